"""Claude's export: `conversations.json`, a list of conversations with `chat_messages`, each of a `sender`, with `content`.

The shape as seen in exports of 2024 to 2026. Newer ones name each message's `parent_message_uuid`; older ones are a plain
list. The words stand in blocks of type `text`, in older ones in `text` alone.
"""

from datetime import datetime
from typing import Any

from chat.conversations.importing.found import MOST_TURNS, Found, Reading, moment, words
from chat.conversations.transcript import Transcript, Turn
from chat.providers.base import File, Part, Role, Text

_ROLES = {"human": Role.USER, "assistant": Role.ASSISTANT}


def is_conversation(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("chat_messages"), list)


def read(conversations: list[Any], now: datetime) -> Reading:
    """Return what the list holds."""
    reading = Reading("Claude")
    for one in conversations:
        if not is_conversation(one):
            reading.left_out["entries that are no conversations"] += 1
            continue
        created = moment(one.get("created_at"), now)
        reading.take(
            Found(
                source_id=_source_id(one, created),
                title=words(one.get("name")),
                created_at=created,
                updated_at=max(created, moment(one.get("updated_at"), now)),
                transcript=_transcript(one, created, now, reading),
            )
        )
    return reading


def _source_id(one: dict[str, Any], created: datetime) -> str:
    named = one.get("uuid")
    return named if isinstance(named, str) else f"{created.isoformat()} {words(one.get('name'))}"


def _transcript(one: dict[str, Any], created: datetime, now: datetime, reading: Reading) -> Transcript:
    messages = [message for message in one["chat_messages"] if isinstance(message, dict)]
    known = {message.get("uuid") for message in messages if isinstance(message.get("uuid"), str)}
    turns: dict[str, Turn] = {}
    shown: dict[str, str | None] = {}  # from each message to the turn in which it, or what stands above it, ended up
    last: str | None = None
    for number, message in enumerate(messages):
        name = message["uuid"] if isinstance(message.get("uuid"), str) else f"message {number}"
        above = message.get("parent_message_uuid")
        # Without a parent's name a message follows the one before it. Parents stand before their children.
        parent = shown.get(above) if isinstance(above, str) and above in known else last if above is None else None
        turn = _turn(name, parent, message, created, now, reading)
        if turn is None or name in turns or len(turns) >= MOST_TURNS:
            shown[name] = parent
            continue
        turns[name] = turn
        shown[name] = last = name
    leaf = shown.get(str(one.get("current_leaf_message_uuid"))) or next(reversed(turns), None)
    model = words(one.get("model"))[:64]
    return Transcript(turns, leaf, model)


def _turn(
    name: str, parent: str | None, message: dict[str, Any], created: datetime, now: datetime, reading: Reading
) -> Turn | None:
    role = _ROLES.get(str(message.get("sender")))
    if role is None:
        reading.left_out["messages of a kind that is not known here"] += 1
        return None
    files = message.get("files")
    if isinstance(files, list) and files:
        reading.left_out["files that the export names but does not hold"] += len(files)
    text, reasoning = _content(message, reading)
    parts: list[Part] = [*_attachments(message), *([Text(text)] if text else [])]
    if not parts:
        return None
    written = moment(message.get("created_at"), now) if message.get("created_at") else created
    return Turn(name, parent, role, tuple(parts), written, reasoning=reasoning)


def _content(message: dict[str, Any], reading: Reading) -> tuple[str, str]:
    blocks = message.get("content")
    if not isinstance(blocks, list) or not blocks:
        return words(message.get("text")), ""
    texts, thoughts = [], []
    for block in blocks:
        match block:
            case {"type": "text", "text": str(text)}:
                texts.append(words(text))
            case {"type": "thinking", "thinking": str(thought)}:
                thoughts.append(words(thought))
            case {"type": "tool_use" | "tool_result"}:
                reading.left_out["calls of tools and their outputs"] += 1
            case _:
                reading.left_out["pieces of a kind that is not known here"] += 1
    return "\n\n".join(filter(None, texts)), "\n\n".join(filter(None, thoughts))


def _attachments(message: dict[str, Any]) -> list[File]:
    """The texts of the files that were attached, which the export holds."""
    found = []
    attachments = message.get("attachments")
    for one in attachments if isinstance(attachments, list) else []:
        if isinstance(one, dict) and (text := words(one.get("extracted_content"))):
            name = words(one.get("file_name")).replace("/", " ").strip()[:120] or "attachment.txt"
            found.append(File(name, "text/plain", text))
    return found
