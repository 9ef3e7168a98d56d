"""Search over one person's conversations. It opens their own rows as it goes: an index of the words would be a second copy.

Ten thousand messages are opened for one search, so it reads columns, not objects, and looks at bytes before it decodes.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape

import sqlalchemy as sa
from markupsafe import Markup

from chat.accounts.models import Account
from chat.consent.gate import CannotRead, Reader
from chat.conversations.codec import text_of_body
from chat.conversations.history import Saved, body_place, open_title
from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.db import db

_AROUND = 90
_MOST_FOUND = 50
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation with the words that were searched for, and where they stand."""

    saved: Saved
    excerpt: Markup


def search(account: Account, reader: Reader, query: str, now: datetime) -> list[Found]:
    """Return the person's conversations with every word of `query` in one turn or in the title, newest first, at most 50."""
    words = query.casefold().split()
    if not words:
        return []
    conversations = _titles(account, reader, now)
    found = {row: saved.title for row, saved in conversations.items() if _has_all(saved.title, words)}
    matched: set[int] = set()
    for row, text in _texts(account, reader, now, matched):
        if _has_all(text, words):
            matched.add(row)
            found[row] = text
    in_order = [row for row in conversations if row in found][:_MOST_FOUND]
    return [Found(conversations[row], excerpt(found[row], words)) for row in in_order]


def _titles(account: Account, reader: Reader, now: datetime) -> dict[int, Saved]:
    rows = db.session.execute(
        sa.select(
            Conversation.id, Conversation.public_id, Conversation.title, Conversation.pinned, Conversation.updated_at,
            Conversation.kept_since, Conversation.expires_at,
        )
        .where(Conversation.account_id == account.id, Conversation.expires_at > now)
        .order_by(Conversation.updated_at.desc(), Conversation.public_id.desc())
    )  # fmt: skip
    return {
        row: Saved(public_id, open_title(public_id, title, reader), pinned, updated_at, kept_since, expires_at)
        for row, public_id, title, pinned, updated_at, kept_since, expires_at in rows
    }


def _texts(account: Account, reader: Reader, now: datetime, matched: set[int]) -> Iterator[tuple[int, str]]:
    """Yield (conversation's row id, text) of the person's turns but those of conversations that matched already."""
    rows = db.session.execute(
        sa.select(StoredTurn.conversation_id, StoredTurn.public_id, StoredTurn.body)
        .join(Conversation, StoredTurn.conversation_id == Conversation.id)
        .where(StoredTurn.account_id == account.id, Conversation.expires_at > now)
        .order_by(StoredTurn.id)
        .execution_options(yield_per=_BATCH)
    )
    for batch in rows.partitions():
        for row, turn_id, body in batch:
            if row not in matched:
                try:
                    yield row, text_of_body(reader.open(body_place(turn_id), body))
                except CannotRead:
                    continue
        time.sleep(0)  # lets the other requests of this worker go on


def excerpt(text: str, words: list[str]) -> Markup:
    """Return the text around the first word found, escaped, with each word marked."""
    folded = text.casefold()
    # Case folding may lengthen a text ("ß"); then positions would not fit, and those letters stay as they are.
    haystack = folded if len(folded) == len(text) else "".join(map(_fold_one, text))
    at = max(0, min((haystack.find(word) for word in words if word in haystack), default=0))
    start, end = max(0, at - _AROUND), min(len(text), at + _AROUND)
    piece, piece_folded = text[start:end], haystack[start:end]
    marked, position = [], 0
    while position < len(piece):
        word = next((one for one in words if piece_folded.startswith(one, position)), None)
        length = len(word) if word else 1
        plain = escape(piece[position : position + length])
        marked.append(f"<mark>{plain}</mark>" if word else plain)
        position += length
    return Markup(("…" if start else "") + "".join(marked) + ("…" if end < len(text) else ""))  # noqa: S704  # escaped above


def _fold_one(letter: str) -> str:
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter


def _has_all(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)
