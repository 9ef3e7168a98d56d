"""ChatGPT's export: `conversations.json`, a list of conversations, each a `mapping` of nodes by their ids.

The shape as seen in exports of 2023 to 2026: a node has `parent`, `children` and maybe a `message` with `author.role`,
`content.content_type` and `content.parts`; nodes without a message to show (the root, system, tools) stand between others.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from chat.conversations.importing.found import MOST_TURNS, Found, Reading, moment, words
from chat.conversations.transcript import Transcript, Turn
from chat.providers.base import Role, Text

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
_TEXTS = ("text", "multimodal_text")
_NOT_TAKEN = {
    "code": "pieces of code that a tool ran",
    "execution_output": "outputs of tools",
    "tether_browsing_display": "outputs of tools",
    "tether_quote": "outputs of tools",
    "system_error": "outputs of tools",
    "user_editable_context": "custom instructions",
    "model_editable_context": "memories",
    "thoughts": "thoughts of the model",
    "reasoning_recap": "thoughts of the model",
}


def is_conversation(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("mapping"), dict)


def read(conversations: list[Any], now: datetime) -> Reading:
    """Return what the list holds."""
    reading = Reading("ChatGPT")
    for one in conversations:
        if not is_conversation(one):
            reading.left_out["entries that are no conversations"] += 1
            continue
        created = moment(one.get("create_time"), now)
        reading.take(
            Found(
                source_id=_source_id(one, created),
                title=words(one.get("title")),
                created_at=created,
                updated_at=max(created, moment(one.get("update_time"), now)),
                transcript=_transcript(one, created, now, reading),
            )
        )
    return reading


def _source_id(one: dict[str, Any], created: datetime) -> str:
    named = one.get("conversation_id") or one.get("id")
    return named if isinstance(named, str) else f"{created.isoformat()} {words(one.get('title'))}"


def _transcript(one: dict[str, Any], created: datetime, now: datetime, reading: Reading) -> Transcript:
    mapping = one["mapping"]
    turns: dict[str, Turn] = {}
    shown: dict[str, str | None] = {}  # from each node to the turn in which it, or what stands above it, ended up
    model = ""
    for name, node in _from_the_roots(mapping):
        parent = shown.get(str(node.get("parent")))
        turn = _turn(name, parent, node.get("message"), created, now, reading)
        if turn is None:
            shown[name] = parent
            continue
        if len(turns) >= MOST_TURNS:
            reading.left_out[f"messages beyond {MOST_TURNS:,} in one conversation"] += 1
            shown[name] = parent
            continue
        turns[name] = turn
        shown[name] = name
        model = turn.model or model
    leaf = shown.get(str(one.get("current_node")))
    return Transcript(turns, leaf or next(reversed(turns), None), model)


def _from_the_roots(mapping: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each node after its parent, siblings in their order; a circle is never entered, a lost end is a root."""
    nodes = {name: node for name, node in mapping.items() if isinstance(node, dict)}
    children: dict[str | None, list[str]] = {}
    for name, node in nodes.items():
        parent = node.get("parent")
        children.setdefault(parent if isinstance(parent, str) and parent in nodes else None, []).append(name)
    for parent, names in children.items():
        listed = nodes[parent].get("children") if parent is not None else None
        if isinstance(listed, list):
            order = {one: place for place, one in enumerate(listed) if isinstance(one, str)}
            names.sort(key=lambda one, order=order: order.get(one, len(order)))  # type: ignore[misc]
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        name = waiting.pop()
        yield name, nodes[name]
        waiting += reversed(children.get(name, []))


def _turn(name: str, parent: str | None, message: Any, created: datetime, now: datetime, reading: Reading) -> Turn | None:
    if not isinstance(message, dict):
        return None
    author, content = message.get("author"), message.get("content")
    role = author.get("role") if isinstance(author, dict) else None
    if not isinstance(content, dict) or role == "system":
        return None
    if role not in _ROLES:
        reading.left_out["outputs of tools"] += 1
        return None
    kind = content.get("content_type")
    if kind not in _TEXTS:
        reading.left_out[_NOT_TAKEN.get(str(kind), "messages of a kind that is not known here")] += 1
        return None
    text = _text(content, reading)
    if not text:
        return None
    metadata = message.get("metadata")
    model = words(metadata.get("model_slug"))[:64] if isinstance(metadata, dict) and role == "assistant" else ""
    written = moment(message.get("create_time"), now) if message.get("create_time") else created
    return Turn(name, parent, _ROLES[role], (Text(text),), written, model)


def _text(content: dict[str, Any], reading: Reading) -> str:
    parts = content.get("parts")
    if not isinstance(parts, list):
        return words(content.get("text"))
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(words(part))
        elif isinstance(part, dict) and part.get("content_type") == "audio_transcription":
            texts.append(words(part.get("text")))
        elif isinstance(part, dict):
            reading.left_out["pictures, files and recordings in messages"] += 1
    return "\n\n".join(filter(None, texts))
