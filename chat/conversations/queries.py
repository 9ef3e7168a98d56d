"""Lists of a person's saved conversations, in steps by key: the ten-thousandth costs what the first does."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import sqlalchemy as sa
from markupsafe import Markup

from chat.accounts.models import Account
from chat.consent.gate import Reader
from chat.conversations.history import Saved, iterate_texts, opened
from chat.conversations.models import Conversation
from chat.kernel.db import UTCDateTime, db
from chat.kernel.errors import Problem

_AROUND = 90
_MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """A step of the list, and where the next begins (None at the end)."""

    pinned: list[Saved]
    recent: list[Saved]
    older: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation with the words that were searched for, and where they stand."""

    saved: Saved
    excerpt: Markup


def list_conversations(
    account: Account, reader: Reader, now: datetime, *, before: str | None = None, step: int = 40
) -> Listing:
    """Return the pinned ones (in the first step) and the next `step` others, newest first. Raises Problem for a bad cursor."""
    mine = sa.select(Conversation).where(Conversation.account_id == account.id, Conversation.expires_at > now)
    pinned = []
    if before is None:
        rows = db.session.scalars(mine.where(Conversation.pinned.is_(True)).order_by(Conversation.updated_at.desc()).limit(100))
        pinned = [opened(row, reader) for row in rows]
    recent = mine.where(Conversation.pinned.is_(False))
    if before is not None:
        at, public_id = _read_cursor(before)
        recent = recent.where(
            sa.tuple_(Conversation.updated_at, Conversation.public_id)
            < sa.tuple_(sa.literal(at, UTCDateTime()), sa.literal(public_id))
        )
    page = db.session.scalars(
        recent.order_by(Conversation.updated_at.desc(), Conversation.public_id.desc()).limit(step + 1)
    ).all()
    older = _cursor(page[step - 1]) if len(page) > step else None
    return Listing(pinned, [opened(row, reader) for row in page[:step]], older)


def search(account: Account, reader: Reader, query: str, now: datetime) -> list[Found]:
    """Return the person's conversations with every word of `query` in one turn or in the title, newest first, at most 50."""
    words = query.casefold().split()
    if not words:
        return []
    conversations = db.session.scalars(
        sa.select(Conversation)
        .where(Conversation.account_id == account.id, Conversation.expires_at > now)
        .order_by(Conversation.updated_at.desc())
    ).all()
    listed = {row.public_id: opened(row, reader) for row in conversations}
    found = {key: saved.title for key, saved in listed.items() if _has_all(saved.title, words)}
    matched: set[str] = set()
    for key, text in iterate_texts(account, reader, now):
        if key in listed and key not in matched and _has_all(text, words):
            matched.add(key)
            found[key] = text
    in_order = [key for key in listed if key in found][:_MOST_FOUND]
    return [Found(listed[key], excerpt(found[key], words)) for key in in_order]


def excerpt(text: str, words: list[str]) -> Markup:
    """Return the text around the first word found, escaped, with each word marked."""
    folded = text.casefold()
    # Case folding may lengthen a text ("ß"); then positions do not fit, and lower case has to do.
    haystack = folded if len(folded) == len(text) else text.lower()
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


def _has_all(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


def _cursor(row: Conversation) -> str:
    return base64.urlsafe_b64encode(f"{row.updated_at.isoformat()} {row.public_id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, public_id = base64.urlsafe_b64decode(cursor).decode().split()
        return datetime.fromisoformat(at).astimezone(UTC), public_id
    except (binascii.Error, ValueError, OverflowError):
        raise Problem("This link into the history is damaged. Open the history anew.") from None
