"""Giving, withdrawing, objecting and asking. "Allowed now?" is the latest entry of the purpose; no boolean says it again."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from chat.accounts.freezing import SENTENCE, Frozen, is_frozen
from chat.accounts.models import Account
from chat.consent import chain
from chat.consent.models import ConsentEntry
from chat.consent.purposes import INTERESTS, Interest, Purpose, wording_of
from chat.kernel.db import db
from chat.kernel.notice import asks_again_since, notice_version

Subject = Purpose | Interest


class Source(StrEnum):
    """The act by which a person said yes or no."""

    SETTINGS = "settings"
    SAVE_BUTTON = "save button"
    THUMB = "thumb"
    IMPORT = "import"
    OBJECTION = "objection"
    BROWSER_SIGNAL = "browser signal"
    MAIL_LINK = "mail link"
    COOKIE_PAGE = "cookie page"


OBJECTIONS = (Source.OBJECTION, Source.BROWSER_SIGNAL)


class State(StrEnum):
    """Where a person stands with a purpose."""

    NEVER = "never"
    GIVEN = "given"
    # Given, but to other words or under another policy: it does not count until it is given again.
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


def give(account: Account, purpose: Purpose, source: Source, now: datetime) -> ConsentEntry:
    """Record that the person said yes to the words shown today. A second yes is recorded only if the first had lapsed.

    Raises Frozen for a frozen account: it is kept, and used for nothing.
    """
    _refuse_frozen(is_frozen=_lock(account))
    latest = _latest(account.id, purpose)
    if latest is not None and state_of(latest) is State.GIVEN:
        return latest
    return _append(account, purpose, given=True, source=source, now=now)


def withdraw(account: Account, purpose: Purpose, source: Source, now: datetime) -> ConsentEntry | None:
    """Record that the person said no. None when there was nothing to withdraw. Works for a frozen account."""
    _lock(account)
    latest = _latest(account.id, purpose)
    if latest is None or not latest.given:
        return None
    return _append(account, purpose, given=False, source=source, now=now)


def object_to(account: Account, subject: Subject, source: Source, now: datetime) -> ConsentEntry | None:
    """Record an objection, whether or not the person had agreed before. Returns None when one stands already."""
    _lock(account)
    latest = _latest(account.id, subject)
    if latest is not None and state_of(latest) is State.OBJECTED:
        return None
    return _append(account, subject, given=False, source=source, now=now)


def take_back(account: Account, interest: Interest, now: datetime) -> ConsentEntry | None:
    """Record that the person objects no longer. Returns None when no objection stands. Raises Frozen for a frozen account."""
    _refuse_frozen(is_frozen=_lock(account))
    if not objects(account, interest):
        return None
    return _append(account, interest, given=True, source=Source.SETTINGS, now=now)


def allows(account: Account, purpose: Purpose) -> bool:
    """Whether the person's latest word on `purpose` is a yes that still counts, and the account may be used at all."""
    return state(account, purpose) is State.GIVEN and not is_frozen(account.id)


def holds(account: Account, purpose: Purpose) -> bool:
    """Like `allows`, and keeps a withdrawal that comes at the same moment waiting until this transaction ends."""
    is_frozen = _lock(account)
    return not is_frozen and state(account, purpose) is State.GIVEN


def objects(account: Account, subject: Subject) -> bool:
    """Whether the person objects to `subject`."""
    return state(account, subject) is State.OBJECTED


def state(account: Account, subject: Subject) -> State:
    """Return where the person stands with `subject`."""
    latest = _latest(account.id, subject)
    return State.NEVER if latest is None else state_of(latest)


def state_of(latest: ConsentEntry) -> State:
    """Return what a person's latest entry on a purpose comes to."""
    if not latest.given:
        return State.OBJECTED if latest.source in OBJECTIONS else State.WITHDRAWN
    if latest.purpose in INTERESTS:
        return State.NEVER
    since = asks_again_since(latest.purpose)
    same_words = latest.wording_hash == wording_of(Purpose(latest.purpose)).hash
    return State.GIVEN if same_words and (since is None or latest.at >= since) else State.LAPSED


def select_objectors(subject: Subject) -> sa.Select[Any]:
    """Return a query for the row ids of the accounts that object to `subject`: what is counted leaves them out."""
    newer = sa.select(sa.func.max(ConsentEntry.sequence)).where(ConsentEntry.purpose == subject)
    entry = aliased(ConsentEntry)
    newest = newer.where(ConsentEntry.account_id == entry.account_id).scalar_subquery()
    return sa.select(entry.account_id).where(
        entry.purpose == subject, entry.sequence == newest, entry.given.is_(False), entry.source.in_(OBJECTIONS)
    )


def list_entries(account: Account) -> Sequence[ConsentEntry]:
    """Return the person's whole ledger, oldest first."""
    return db.session.scalars(
        sa.select(ConsentEntry).where(ConsentEntry.account_id == account.id).order_by(ConsentEntry.sequence)
    ).all()


def find_break(account: Account) -> int | None:
    """Return the sequence number at which the person's chain was edited, cut or reordered; None when it is whole.

    Rows missing at the very end do not show here: only a head that was kept elsewhere can show them.
    """
    found = chain.find_break(account.public_id, [row_of(entry) for entry in list_entries(account)])
    return found.sequence if found else None


def row_of(entry: ConsentEntry) -> dict[str, Any]:
    """Return the entry as it is hashed, exported and written on receipts."""
    row: dict[str, Any] = {name: getattr(entry, name) for name in chain.FIELDS} | {
        "hash": entry.hash,
        "at": entry.at.isoformat(),
    }
    if entry.notice_version is not None:
        row["notice_version"] = entry.notice_version
    return row


def _latest(account_id: int, subject: Subject) -> ConsentEntry | None:
    return db.session.scalars(
        sa.select(ConsentEntry)
        .where(ConsentEntry.account_id == account_id, ConsentEntry.purpose == subject)
        .order_by(ConsentEntry.sequence.desc())
        .limit(1)
    ).one_or_none()


def _refuse_frozen(*, is_frozen: bool) -> None:
    if is_frozen:
        raise Frozen(SENTENCE)


def _lock(account: Account) -> bool:
    """Keep others from this account's consents until commit, and return whether it is frozen now."""
    # Writing a row onto itself takes the account's row lock on PostgreSQL and the write lock on SQLite: what is stored
    # under a consent and the withdrawal of that consent happen one after the other. The row in memory may be older.
    frozen_at = db.session.scalar(
        sa.update(Account).where(Account.id == account.id).values(id=Account.id).returning(Account.frozen_at),
        execution_options={"synchronize_session": False},
    )
    return frozen_at is not None


def _append(account: Account, subject: Subject, *, given: bool, source: Source, now: datetime) -> ConsentEntry:
    head = db.session.scalars(
        sa.select(ConsentEntry).where(ConsentEntry.account_id == account.id).order_by(ConsentEntry.sequence.desc()).limit(1)
    ).one_or_none()
    wording = wording_of(subject)
    entry = ConsentEntry(
        account_id=account.id,
        sequence=head.sequence + 1 if head else 1,
        purpose=subject,
        given=given,
        wording_revision=wording.revision,
        wording_hash=wording.hash,
        source=source,
        notice_version=notice_version(),
        at=now,
        previous_hash=head.hash if head else chain.START,
    )
    entry.hash = chain.entry_hash(account.public_id, row_of(entry))
    db.session.add(entry)
    db.session.flush()  # the next question in this transaction must see it
    return entry
