"""Giving, withdrawing and asking. "Allowed now?" is the latest row of the purpose; no boolean says it a second time."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from chat.accounts.freezing import SENTENCE, Frozen, is_frozen
from chat.accounts.models import Account
from chat.consent.models import ConsentEntry
from chat.consent.purposes import WORDINGS, Purpose
from chat.kernel.db import db

_START = "0" * 64


class Source(StrEnum):
    """The act by which a person said yes or no."""

    SETTINGS = "settings"
    SAVE_BUTTON = "save button"
    THUMB = "thumb"
    IMPORT = "import"


def give(account: Account, purpose: Purpose, source: Source, now: datetime) -> ConsentEntry:
    """Record that the person said yes to the words shown today. Again: only if the words changed. Raises Frozen."""
    _lock(account)
    if is_frozen(account.id):
        raise Frozen(SENTENCE)
    latest = _latest(account.id, purpose)
    wording = WORDINGS[purpose]
    if latest is not None and latest.given and latest.wording_hash == wording.hash:
        return latest
    return _append(account, purpose, given=True, source=source, now=now)


def withdraw(account: Account, purpose: Purpose, source: Source, now: datetime) -> ConsentEntry | None:
    """Record that the person said no. Returns None when there was nothing to withdraw."""
    _lock(account)
    latest = _latest(account.id, purpose)
    if latest is None or not latest.given:
        return None
    return _append(account, purpose, given=False, source=source, now=now)


def allows(account: Account, purpose: Purpose) -> bool:
    """Whether the person's latest word on `purpose` is yes. Of a frozen account no consent holds, whatever it is for."""
    latest = _latest(account.id, purpose)
    return latest is not None and latest.given and not is_frozen(account.id)


def holds(account: Account, purpose: Purpose) -> bool:
    """Like `allows`, and keeps a withdrawal that comes at the same moment waiting until this transaction ends."""
    _lock(account)
    return allows(account, purpose)


def list_entries(account: Account) -> Sequence[ConsentEntry]:
    """Return the person's whole ledger, oldest first."""
    return db.session.scalars(
        sa.select(ConsentEntry).where(ConsentEntry.account_id == account.id).order_by(ConsentEntry.sequence)
    ).all()


def find_break(account: Account) -> int | None:
    """Return the sequence number at which the person's chain was edited, cut or reordered; None when it is whole.

    Rows missing at the very end do not show here: only a head that was kept elsewhere can show them.
    """
    previous = _START
    for expected, entry in enumerate(list_entries(account), start=1):
        if entry.sequence != expected or entry.previous_hash != previous or entry.hash != _hash(account, entry):
            return expected
        previous = entry.hash
    return None


def _latest(account_id: int, purpose: Purpose) -> ConsentEntry | None:
    return db.session.scalars(
        sa.select(ConsentEntry)
        .where(ConsentEntry.account_id == account_id, ConsentEntry.purpose == purpose)
        .order_by(ConsentEntry.sequence.desc())
        .limit(1)
    ).one_or_none()


def _lock(account: Account) -> None:
    # Writing a row onto itself takes the account's row lock on PostgreSQL and the write lock on SQLite, until commit:
    # what is stored under a consent and the withdrawal of that consent happen one after the other.
    db.session.execute(
        sa.update(Account).where(Account.id == account.id).values(id=Account.id),
        execution_options={"synchronize_session": False},
    )


def _append(account: Account, purpose: Purpose, *, given: bool, source: Source, now: datetime) -> ConsentEntry:
    head = db.session.scalars(
        sa.select(ConsentEntry).where(ConsentEntry.account_id == account.id).order_by(ConsentEntry.sequence.desc()).limit(1)
    ).one_or_none()
    entry = ConsentEntry(
        account_id=account.id,
        sequence=head.sequence + 1 if head else 1,
        purpose=purpose,
        given=given,
        wording_revision=WORDINGS[purpose].revision,
        wording_hash=WORDINGS[purpose].hash,
        source=source,
        at=now,
        previous_hash=head.hash if head else _START,
    )
    entry.hash = _hash(account, entry)
    db.session.add(entry)
    db.session.flush()  # the next question in this transaction must see it
    return entry


def _hash(account: Account, entry: ConsentEntry) -> str:
    row = {
        "account": account.public_id,
        "sequence": entry.sequence,
        "purpose": entry.purpose,
        "given": entry.given,
        "wording_revision": entry.wording_revision,
        "wording_hash": entry.wording_hash,
        "source": entry.source,
        "at": entry.at.isoformat(),
        "previous_hash": entry.previous_hash,
    }
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
