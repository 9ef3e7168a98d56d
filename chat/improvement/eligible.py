"""Whose conversations may be taken, and which: those of people who said yes to history and to improvement, and still do.

Of these, conversations that began after the yes to improvement, and older ones in which a thumb was given after it. Frozen and
closing accounts are left alone, and what has expired does not exist.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.models import ConsentEntry
from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation, Feedback, StoredTurn
from chat.kernel.db import db

NEEDED = (Purpose.HISTORY, Purpose.IMPROVEMENT)


@dataclass(frozen=True, slots=True)
class Consented:
    """Since when, as of which entry of the ledger, and to which words the person said yes."""

    since: datetime
    sequence: int
    wordings: tuple[tuple[Purpose, int], ...]


def each_person(step: int = 200) -> Iterator[int]:
    """Yield the row ids of everybody who ever said yes to improvement, a step at a time."""
    last = 0
    said_yes = sa.exists().where(
        ConsentEntry.account_id == Account.id, ConsentEntry.purpose == Purpose.IMPROVEMENT, ConsentEntry.given.is_(True)
    )
    while page := db.session.scalars(
        sa.select(Account.id).where(Account.id > last, said_yes).order_by(Account.id).limit(step)
    ).all():
        yield from page
        last = page[-1]


def find_consent(account: Account) -> Consented | None:
    """Return what the person agreed to, if all that an export needs holds now; the caller's transaction keeps it so."""
    if account.frozen_at is not None or account.closing_at is not None or not account.active:
        return None
    if not all(ledger.holds(account, purpose) for purpose in NEEDED):
        return None
    entries = ledger.list_entries(account)
    latest = {purpose: [one for one in entries if one.purpose == purpose] for purpose in NEEDED}
    since = None
    for entry in latest[Purpose.IMPROVEMENT]:  # the first yes after the last no
        since = (since or entry.at) if entry.given else None
    if since is None:
        return None
    wordings = tuple((purpose, latest[purpose][-1].wording_revision) for purpose in NEEDED)
    return Consented(since, entries[-1].sequence, wordings)


def list_conversations(
    account: Account, consented: Consented, now: datetime, *, after: int, step: int
) -> list[tuple[Conversation, bool]]:
    """Return the next conversations that may be taken, each with whether that is because of a thumb alone."""
    older = sa.exists().where(StoredTurn.conversation_id == Conversation.id, StoredTurn.written_at < consented.since)
    rated = sa.exists().where(Feedback.conversation_id == Conversation.id, Feedback.given_at >= consented.since)
    rows = db.session.execute(
        sa.select(Conversation, older)
        .where(Conversation.account_id == account.id, Conversation.id > after, Conversation.expires_at > now)
        .where(~older | rated)
        .order_by(Conversation.id)
        .limit(step)
    ).all()
    return [(conversation, bool(because_rated)) for conversation, because_rated in rows]
