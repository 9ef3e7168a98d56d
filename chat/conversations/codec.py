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
from chat.providers.base import File, Image, Part, Role, Text

# Enough for a long evening with images; more would be a bomb.
_LARGEST = 64 * 2**20
# Grows with each change of what stands in the page, so that a page from before an upgrade is stale, not a failure.
_FORMAT = 1

_decode_body = msgspec.msgpack.Decoder().decode


class StalePage(Problem):
    """The form's conversation does not open: another session, another secret, or altered."""

    status = 409
    code = "stale_page"


def pack_body(turn: Turn) -> bytes:
    """Return what of a turn is content: its parts and its reasoning."""
    return msgspec.msgpack.encode((tuple(_plain(part) for part in turn.parts), turn.reasoning))


def unpack_body(body: bytes) -> tuple[tuple[Part, ...], str]:
    """Return parts and reasoning of what `pack_body` made."""
    parts, reasoning = _decode_body(body)
    return tuple(_part(one) for one in parts), reasoning


def text_of_body(body: bytes) -> str:
    """Return the words alone of what `pack_body` made, without its files."""
    parts, _reasoning = _decode_body(body)
    return "".join(one[1] for one in parts if one[0] == "t")


def seal_page(transcript: Transcript, key: bytes, session: str) -> str:
    """Return the conversation as text for a form's hidden field."""
    turns = [
        (t.id, t.parent, t.role, pack_body(t), t.written_at.timestamp(), t.model, t.state, t.problem)
        for t in transcript.turns.values()
    ]
    whole = (turns, transcript.leaf, transcript.model, transcript.instructions, transcript.temperature, transcript.is_private)
    packed = zlib.compress(msgspec.msgpack.encode(whole), 1)
    return base64.urlsafe_b64encode(crypto.encrypt(key, packed, _bound(session))).decode()


def open_page(sealed: str, key: bytes, session: str) -> Transcript:
    """Return the conversation of a form. Raises StalePage."""
    try:
        packed = crypto.decrypt(key, base64.urlsafe_b64decode(sealed), _bound(session))
        unpacker = zlib.decompressobj()
        whole = msgspec.msgpack.decode(unpacker.decompress(packed, _LARGEST))
    except (crypto.CannotOpen, binascii.Error, zlib.error, msgspec.DecodeError, ValueError):
        raise StalePage(
            "This page belongs to a session that has ended, so its conversation cannot go on here. "
            "Copy what you need from it, then start a new chat."
        ) from None
    turns, leaf, model, instructions, temperature, is_private = whole
    return replace(
        Transcript(model=model, instructions=instructions, temperature=temperature, is_private=is_private),
        turns={row[0]: _turn(row) for row in turns},
        leaf=leaf,
    )


def _turn(row: Any) -> Turn:
    turn_id, parent, role, body, written, model, state, problem = row
    parts, reasoning = unpack_body(body)
    at = datetime.fromtimestamp(written, UTC)
    return Turn(turn_id, parent, Role(role), parts, at, model, reasoning, State(state), problem)


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


def _part(plain: Any) -> Part:
    kind, *rest = plain
    part: Part = {"t": Text, "i": Image, "f": File}[kind](*rest)
    return part
