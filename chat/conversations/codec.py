"""Conversations as bytes: for the row that keeps a turn, and for the page that holds a conversation nobody stored.

The page's form is encrypted and authenticated under the site's key and bound to the browser's session, so that it can be
neither altered nor carried into another session.
"""

import base64
import binascii
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from chat.conversations.transcript import State, Transcript, Turn
from chat.kernel import crypto
from chat.kernel.errors import Problem
from chat.kernel.signing import Document
from chat.providers.base import File, Image, Part, Role, Text

# Enough for a long evening with images; more would be a bomb.
_LARGEST = 64 * 2**20
_STALE = (
    "This page belongs to a session that has ended, so its conversation cannot go on here. "
    "Copy what you need from it, then start a new chat."
)
# Grows with each change of what stands in the page, so that a page from before an upgrade is stale, not a failure.
_FORMAT = 2

_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}

_decode_body = msgspec.msgpack.Decoder().decode


class StalePage(Problem):
    """The form's conversation does not open: another session, another secret, or altered."""

    status = 409
    code = "stale_page"


def pack_body(turn: Turn) -> bytes:
    """Return what of a turn is content: its parts and its reasoning. Its receipts, which are not, travel along."""
    return msgspec.msgpack.encode((tuple(_plain(part) for part in turn.parts), turn.reasoning, turn.receipts))


def unpack_body(body: bytes) -> tuple[tuple[Part, ...], str]:
    """Return parts and reasoning of what `pack_body` made."""
    parts, reasoning, *_ = _decode_body(body)
    return tuple(_part(one) for one in parts), reasoning


def receipts_of_body(body: bytes) -> tuple[Document, ...]:
    """Return the receipts of what `pack_body` made; none for a turn that was stored before there were receipts."""
    _parts, _reasoning, *rest = _decode_body(body)
    return tuple(rest[0]) if rest else ()


def text_of_body(body: bytes) -> str:
    """Return the words alone of what `pack_body` made, without its files."""
    parts, *_ = _decode_body(body)
    return "".join(one[1] for one in parts if one[0] == "t")


def body_in_words(turn_id: str, body: bytes) -> dict[str, object]:
    """Return what `pack_body` made as JSON can say it; pictures are named, and stand beside it as files."""
    parts, reasoning = unpack_body(body)
    return {"parts": [_in_words(turn_id, number, part) for number, part in enumerate(parts)], "reasoning": reasoning}


def file_name(turn_id: str, number: int, media_type: str) -> str:
    """Return what the part of a turn is called where it stands as a file."""
    return f"conversations/files/{turn_id}-{number}{_ENDINGS.get(media_type, '.txt')}"


def seal_page(transcript: Transcript, key: bytes, session: str) -> str:
    """Return the conversation as text for a form's hidden field."""
    turns = [pack_turn(turn) for turn in transcript.turns.values()]
    whole = (turns, transcript.leaf, transcript.model, transcript.instructions, transcript.temperature, transcript.is_private)
    return seal_for_page(msgspec.msgpack.encode(whole), key, session)


def seal_for_page(packed: bytes, key: bytes, session: str) -> str:
    """Return bytes compressed and encrypted as text for a hidden field that only this session can send back."""
    return base64.urlsafe_b64encode(crypto.encrypt(key, zlib.compress(packed, 1), _bound(session))).decode()


def open_for_page(sealed: str, key: bytes, session: str) -> bytes:
    """Return what `seal_for_page` was given. Raises StalePage."""
    try:
        unpacker = zlib.decompressobj()
        return unpacker.decompress(crypto.decrypt(key, base64.urlsafe_b64decode(sealed), _bound(session)), _LARGEST)
    except (crypto.CannotOpen, binascii.Error, zlib.error, ValueError):
        raise StalePage(_STALE) from None


def open_page(sealed: str, key: bytes, session: str) -> Transcript:
    """Return the conversation of a form. Raises StalePage."""
    try:
        whole = msgspec.msgpack.decode(open_for_page(sealed, key, session))
    except (msgspec.DecodeError, ValueError):
        raise StalePage(_STALE) from None
    turns, leaf, model, instructions, temperature, is_private = whole
    return replace(
        Transcript(model=model, instructions=instructions, temperature=temperature, is_private=is_private),
        turns={row[0]: unpack_turn(row) for row in turns},
        leaf=leaf,
    )


def pack_turn(turn: Turn) -> tuple[Any, ...]:
    """Return a turn as plain values, for a page that carries it."""
    at = turn.written_at.timestamp()
    return (turn.id, turn.parent, turn.role, pack_body(turn), at, turn.model, turn.state, turn.problem)


def unpack_turn(row: Any) -> Turn:
    """Return the turn of what `pack_turn` made."""
    turn_id, parent, role, body, written, model, state, problem = row
    parts, reasoning = unpack_body(body)
    at = datetime.fromtimestamp(written, UTC)
    return Turn(turn_id, parent, Role(role), parts, at, model, reasoning, State(state), problem, receipts_of_body(body))


def _bound(session: str) -> bytes:
    return f"page/{_FORMAT}/{session}".encode()


def _plain(part: Part) -> tuple[Any, ...]:
    match part:
        case Text(text):
            return ("t", text)
        case Image(media_type, data):
            return ("i", media_type, data)
        case File(name, media_type, text):
            return ("f", name, media_type, text)


def _in_words(turn_id: str, number: int, part: Part) -> dict[str, object]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(media_type, data):
            name = file_name(turn_id, number, media_type)
            return {"type": "image", "media_type": media_type, "bytes": len(data), "file": name}
        case File(name, media_type, text):
            return {"type": "file", "name": name, "media_type": media_type, "text": text}


def _part(plain: Any) -> Part:
    kind, *rest = plain
    part: Part = {"t": Text, "i": Image, "f": File}[kind](*rest)
    return part
