"""Our own archive (docs/export.md): taken in so that conversations, turns, branches, titles and times are the same again."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chat.conversations.attachments import clean_name
from chat.conversations.importing.found import MOST_TURNS, CannotImport, Found, Reading, moment, words
from chat.conversations.transcript import State, Transcript, Turn
from chat.kernel.errors import Problem
from chat.kernel.ids import is_public_id
from chat.providers.base import File, Image, Part, Role, Text
from chat.providers.images import media_type_of, read_image

FORMAT = "candor-export"
SCHEMA_VERSION = 1
_HOTTEST = 2.0

ReadFile = Callable[[str], bytes | None]


def check_manifest(manifest: Any) -> None:
    """Raise CannotImport unless the archive is one of ours, whole, and of a version that is known here."""
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CannotImport("This archive's manifest.json is not one of a Candor export.")
    if manifest.get("schema") != SCHEMA_VERSION:
        raise CannotImport("This archive was made by another version of the software, in a format that is not known here.")
    if manifest.get("complete") is not True:
        raise CannotImport("This archive says of itself that it is not whole. Download it once more where it comes from.")


def read(conversations: Any, turns: Any, file: ReadFile, now: datetime) -> Reading:
    """Return what the archive's documents hold; `file` returns a file of the archive, or None."""
    reading = Reading("Candor")
    by_conversation: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(turns):
        by_conversation.setdefault(str(row.get("conversation")), []).append(row)
    for row in _rows(conversations):
        name = row.get("public_id")
        if not isinstance(name, str) or not is_public_id(name):
            reading.left_out["entries that are no conversations"] += 1
            continue
        created = moment(row.get("created_at"), now)
        reading.take(
            Found(
                source_id=name,
                title=words(row.get("title")),
                created_at=created,
                updated_at=max(created, moment(row.get("updated_at"), now)),
                transcript=_transcript(row, by_conversation.get(name, []), file, now, reading),
                pinned=row.get("pinned") is True,
            )
        )
    return reading


def _rows(document: Any) -> list[dict[str, Any]]:
    rows = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise CannotImport("A document of this archive does not have the shape that it should have.")
    return [row for row in rows if isinstance(row, dict)]


def _transcript(row: dict[str, Any], rows: list[dict[str, Any]], file: ReadFile, now: datetime, reading: Reading) -> Transcript:
    turns: dict[str, Turn] = {}
    for one in rows:
        turn = _turn(one, turns, file, now, reading)
        if turn is None or len(turns) >= MOST_TURNS:
            reading.left_out["messages that did not open when the archive was made, or that have not the right shape"] += 1
        else:
            turns[turn.id] = turn
    temperature = row.get("temperature")
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    leaf = row.get("leaf")
    return Transcript(
        turns,
        leaf if isinstance(leaf, str) and leaf in turns else next(reversed(turns), None),
        words(row.get("model"))[:64],
        words(row.get("instructions")),
        float(temperature) if is_number and 0 <= temperature <= _HOTTEST else None,  # type: ignore[arg-type, operator]
    )


def _turn(row: dict[str, Any], before: dict[str, Turn], file: ReadFile, now: datetime, reading: Reading) -> Turn | None:
    name, parent, body = row.get("public_id"), row.get("parent"), row.get("body")
    if not isinstance(name, str) or not is_public_id(name) or name in before or not isinstance(body, dict):
        return None
    if row.get("role") not in list(Role) or row.get("state") not in list(State):
        return None
    parts = body.get("parts")
    found = [_part(part, file, reading) for part in parts] if isinstance(parts, list) else []
    return Turn(
        name,
        parent if isinstance(parent, str) and parent in before else None,
        Role(row["role"]),
        tuple(part for part in found if part is not None),
        moment(row.get("written_at"), now),
        words(row.get("model"))[:64],
        words(body.get("reasoning")),
        State(row["state"]),
        words(row.get("problem"))[:300],
    )


def _part(part: Any, file: ReadFile, reading: Reading) -> Part | None:
    match part:
        case {"type": "text", "text": str(text)}:
            return Text(words(text))
        case {"type": "file", "name": str(name), "media_type": str(media_type), "text": str(text)}:
            return File(clean_name(name), words(media_type)[:100], words(text))
        case {"type": "image", "file": str(name)}:
            picture = _picture(file(name))
            if picture is None:
                reading.left_out["pictures that are missing in the archive or cannot be read"] += 1
            return picture
    reading.left_out["parts of messages that have not the right shape"] += 1
    return None


def _picture(data: bytes | None) -> Image | None:
    media_type = media_type_of(data) if data else None
    if data is None or media_type is None:
        return None
    try:
        return read_image(data, media_type)
    except Problem:
        return None
