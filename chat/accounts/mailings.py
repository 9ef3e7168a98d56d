"""Mail of the operator to many people. Each of them gets it once, whatever crashes in between.

A mailing is a row with its words and the last account dealt with. A job takes the next accounts in the order of their numbers,
and writes their mails into the outbox in the transaction that moves the mark. Who gets it, and what is added for each of them,
says its kind; a kind is registered by the feature that writes such mail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask import Flask, current_app

from chat.accounts import outbox
from chat.accounts.models import Account, Mailing
from chat.accounts.outbox import Letter
from chat.kernel.after_commit import after_commit
from chat.kernel.db import db
from chat.kernel.ids import public_id
from chat.kernel.kicks import kick

MAILINGS_JOB = "mail.mailings"
BATCH = 100
_EXTENSION = "candor_mailings"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of mailing. `letter` returns None for an account that is not to get it."""

    name: str
    letter: Callable[[Mailing, Account], Letter | None]


def add_kind(app: Flask, kind: Kind) -> None:
    """Let mailings of this kind be sent."""
    app.extensions.setdefault(_EXTENSION, {})[kind.name] = kind


def write_mailing(kind: str, subject: str, text: str, now: datetime) -> Mailing:
    """Return a new mailing to the accounts that there are; it begins soon after the caller's transaction is committed."""
    newest = db.session.scalar(sa.select(sa.func.max(Account.id))) or 0
    mailing = Mailing(public_id=public_id(), kind=kind, subject=subject, text=text, written_at=now, until=newest)
    db.session.add(mailing)
    after_commit(lambda: kick(MAILINGS_JOB))
    return mailing


def list_open() -> Sequence[int]:
    """Return the row numbers of the mailings that have not reached everybody, the oldest first."""
    return db.session.scalars(sa.select(Mailing.id).where(Mailing.ended_at.is_(None)).order_by(Mailing.id)).all()


def write_batch(row: int, key: bytes, now: datetime) -> int | None:
    """Write the mails to the next accounts. Return how many; None when the mailing has reached everybody.

    The caller commits at once.
    """
    # Writing first takes the row's lock (on SQLite the write lock): of two at once, the second sees how far the first got.
    mailing = db.session.scalar(
        sa.update(Mailing)
        .where(Mailing.id == row, Mailing.ended_at.is_(None))
        .values(reached=Mailing.reached)
        .returning(Mailing)
        .execution_options(populate_existing=True)
    )
    if mailing is None:
        return None
    accounts = db.session.scalars(
        sa.select(Account)
        .where(Account.id > mailing.reached, Account.id <= mailing.until)
        .order_by(Account.id)
        .limit(BATCH)
        .execution_options(populate_existing=True)
    ).all()
    if not accounts:
        mailing.ended_at = now
        return None
    kinds: dict[str, Kind] = current_app.extensions[_EXTENSION]
    letters = [(account.id, kinds[mailing.kind].letter(mailing, account)) for account in accounts]
    written = [(account, letter) for account, letter in letters if letter is not None]
    for account, letter in written:
        outbox.write(key, letter, account_id=account, now=now, mailing_id=mailing.id)
    mailing.reached = accounts[-1].id
    mailing.count += len(written)
    return len(written)


def plain_letter(mailing: Mailing, account: Account) -> Letter:
    """Return the mailing as it stands: for mail that everybody with an account gets."""
    return Letter(account.email, mailing.subject, mailing.text)


def call_back(account: Account, kind: str) -> int:
    """Forget the mails of this kind that wait for this account. Return how many."""
    return outbox.call_back(account.id, sa.select(Mailing.id).where(Mailing.kind == kind))
