"""Lists of a person's saved conversations, in steps by key: the ten-thousandth costs what the first does."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent.gate import Reader
from chat.conversations.history import MOST_PINNED, Saved, opened
from chat.conversations.models import Conversation
from chat.kernel.db import UTCDateTime, db
from chat.kernel.errors import Problem
from chat.kernel.ids import is_public_id


@dataclass(frozen=True, slots=True)
class Listing:
    """A step of the list, and where the next begins (None at the end)."""

    pinned: list[Saved]
    recent: list[Saved]
    older: str | None


def list_conversations(
    account: Account, reader: Reader, now: datetime, *, before: str | None = None, step: int = 40
) -> Listing:
    """Return the pinned ones (in the first step) and the next `step` others, newest first. Raises Problem for a bad cursor."""
    mine = sa.select(Conversation).where(Conversation.account_id == account.id, Conversation.expires_at > now)
    pinned = []
    if before is None:
        rows = db.session.scalars(
            mine.where(Conversation.pinned.is_(True)).order_by(Conversation.updated_at.desc()).limit(MOST_PINNED)
        )
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


def _cursor(row: Conversation) -> str:
    return base64.urlsafe_b64encode(f"{row.updated_at.isoformat()} {row.public_id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, public_id = base64.urlsafe_b64decode(cursor).decode().split()
        moment = datetime.fromisoformat(at).astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError):
        moment, public_id = datetime.min.replace(tzinfo=UTC), ""
    if not is_public_id(public_id):
        raise Problem("This link into the history is damaged. Open the history anew.")
    return moment, public_id
