"""What was read from a file, on its way through the preview page and back: sealed for the browser, stored nowhere.

The page of the preview holds it as it holds a conversation that nobody saved (docs/adr/0003): bound to the session and the
account, so that it can be neither altered nor confirmed by somebody else.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from chat.conversations.codec import open_for_page, pack_turn, seal_for_page, unpack_turn
from chat.conversations.importing.found import Found, Reading
from chat.conversations.transcript import Transcript
from chat.kernel.errors import TooLarge

# As text in the page; the form that brings it back takes 48 MB at most.
LARGEST = 40 * 2**20


def pack(reading: Reading, key: bytes, bound: str) -> str:
    """Return the reading as text for a hidden field. Raises TooLarge."""
    whole = (reading.kind, [_packed(one) for one in reading.conversations], dict(reading.left_out))
    sealed = seal_for_page(msgspec.msgpack.encode(whole), key, bound)
    if len(sealed) > LARGEST:
        raise TooLarge("These conversations are more than can be imported at once. Split the file, and import the parts.")
    return sealed


def unpack(sealed: str, key: bytes, bound: str) -> Reading:
    """Return what `pack` was given. Raises StalePage."""
    kind, conversations, left_out = msgspec.msgpack.decode(open_for_page(sealed, key, bound))
    reading = Reading(kind, [_unpacked(one) for one in conversations])
    reading.left_out.update(left_out)
    return reading


def _packed(one: Found) -> tuple[Any, ...]:
    said = one.transcript
    return (
        *(one.source_id, one.title, one.created_at.timestamp(), one.updated_at.timestamp(), one.pinned),
        *([pack_turn(turn) for turn in said.turns.values()], said.leaf, said.model, said.instructions, said.temperature),
    )


def _unpacked(row: Any) -> Found:
    source_id, title, created, updated, pinned, turns, leaf, model, instructions, temperature = row
    opened = [unpack_turn(one) for one in turns]
    return Found(
        source_id,
        title,
        datetime.fromtimestamp(created, UTC),
        datetime.fromtimestamp(updated, UTC),
        Transcript({turn.id: turn for turn in opened}, leaf, model, instructions, temperature),
        pinned,
    )
