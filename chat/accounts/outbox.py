"""Mail waits in a table and leaves later: a mail server that is down neither fails a page nor tells who has an account.

A mail is written in the transaction that caused it, so it exists if and only if that is committed. It is sealed, since it names
its reader and may hold a link that opens the account, and its row is deleted once it is sent or given up.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from chat.accounts.models import OutgoingMail
from chat.kernel import crypto
from chat.kernel.after_commit import after_commit
from chat.kernel.db import db
from chat.kernel.ids import public_id
from chat.kernel.kicks import kick

SEND_JOB = "mail.send"
# What one attempt may take. Until then nobody else tries; a process that dies meanwhile leaves the mail to the next attempt.
_CLAIMED_FOR = timedelta(minutes=5)
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=4)
# A mail server that is down for a night loses nothing.
MOST_ATTEMPTS = 12
LONGEST_WAIT_IN_ALL = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it will be read."""

    to: str
    subject: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail that this process alone may send now."""

    row: int
    public_id: str
    sealed: bytes
    attempt: int


def write(key: bytes, letter: Letter, *, account_id: int | None, now: datetime, mailing_id: int | None = None) -> None:
    """Put a mail into the outbox; it leaves soon after the caller's transaction is committed."""
    mail = OutgoingMail(public_id=public_id(), account_id=account_id, mailing_id=mailing_id, written_at=now, due_at=now)
    mail.sealed = crypto.encrypt(key, json.dumps(asdict(letter)).encode(), mail.public_id.encode())
    db.session.add(mail)
    after_commit(lambda: kick(SEND_JOB))


def open_letter(key: bytes, claim: Claim) -> Letter:
    """Return what is to be sent. Raises CannotOpen when the site's secret has changed since it was written."""
    return Letter(**json.loads(crypto.decrypt(key, claim.sealed, claim.public_id.encode())))


def list_due(now: datetime, most: int) -> list[int]:
    """Return the rows that are to be sent now, the oldest first, those of mailings last."""
    due = sa.select(OutgoingMail.id).where(OutgoingMail.due_at <= now)
    order = (OutgoingMail.mailing_id.is_not(None), OutgoingMail.due_at)
    return list(db.session.scalars(due.order_by(*order).limit(most)))


def count_of_mailings() -> int:
    """Return how many mails of mailings wait."""
    waiting = sa.select(sa.func.count()).select_from(OutgoingMail).where(OutgoingMail.mailing_id.is_not(None))
    return db.session.scalar(waiting) or 0


def call_back(account_id: int, mailings: sa.Select[int]) -> int:
    """Forget what waits for this account of these mailings. Return how many mails that was."""
    gone = db.session.execute(
        sa.delete(OutgoingMail).where(OutgoingMail.account_id == account_id, OutgoingMail.mailing_id.in_(mailings)),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(gone, sa.CursorResult)
    return gone.rowcount


def claim(row: int, now: datetime) -> Claim | None:
    """Return the mail if it is still due; then nobody else gets it for some minutes. The caller commits before it sends."""
    taken = db.session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.id == row, OutgoingMail.due_at <= now)
        .values(due_at=now + _CLAIMED_FOR, attempts=OutgoingMail.attempts + 1)
        .returning(OutgoingMail.public_id, OutgoingMail.sealed, OutgoingMail.attempts)
    ).one_or_none()
    return None if taken is None else Claim(row, taken.public_id, taken.sealed, taken.attempts)


def postpone(claimed: Claim, now: datetime) -> None:
    """Let the mail be tried again, each time after twice as long."""
    wait = min(_FIRST_WAIT * 2 ** (claimed.attempt - 1), _LONGEST_WAIT)
    db.session.execute(sa.update(OutgoingMail).where(OutgoingMail.id == claimed.row).values(due_at=now + wait))


def discard(claimed: Claim) -> None:
    """Forget the mail: it is sent, or nobody will ever take it."""
    db.session.execute(sa.delete(OutgoingMail).where(OutgoingMail.id == claimed.row))
