"""Closing an account: from asking to erasing lies a time in which the person may change their mind, and can do nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from chat.accounts import devices
from chat.accounts.models import Account
from chat.datarights import erase
from chat.datarights.models_erase import Erasure, Scope, State
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.profile import Profile

# The promise counts from asking to being gone. Of that time a day is kept for a machine that is off or a try that fails.
_SLACK = timedelta(days=1)


def grace(profile: Profile) -> timedelta:
    """Return how long a person may change their mind; nothing where the site promises to be that quick."""
    return max(timedelta(), timedelta(days=profile.retention.deleted_accounts) - _SLACK)


def close(account: Account, profile: Profile, now: datetime) -> Erasure:
    """End every sign-in, and let the account be erased when the grace is over. Return what is to become of it.

    An account that is closing already keeps its moment: asking again must not put it off.
    """
    erasure = erase.intend(account, Scope.ACCOUNT, asked_by="person", now=now)
    account.closing_at = account.closing_at or now + grace(profile)
    account.fs_uniquifier = uuid4().hex
    devices.revoke_all(account)
    return erasure


def reopen(account: Account) -> None:
    """The person changed their mind: the account is as it was. Raises Problem when it is too late."""
    gone = sa.delete(Erasure).where(Erasure.account == account.public_id, Erasure.state == State.WAITING)
    if not db.session.execute(gone).rowcount:  # type: ignore[attr-defined]  # it has one; the annotation is the general one
        raise Problem("It is too late: this account is being erased already.")
    account.closing_at = None


def list_due(now: datetime) -> Sequence[Account]:
    """Return the accounts whose grace is over, the longest over first."""
    under_way = sa.select(Erasure.account).where(Erasure.account.is_not(None), Erasure.state != State.WAITING)
    due = sa.select(Account).where(Account.closing_at <= now, Account.public_id.not_in(under_way))
    return db.session.scalars(due.order_by(Account.closing_at)).all()


def is_last_operator(account: Account) -> bool:
    """Whether nobody else may run this site."""
    if not account.is_operator:
        return False
    others = sa.select(Account.id).where(
        Account.is_operator.is_(True), Account.id != account.id, Account.active.is_(True), Account.closing_at.is_(None)
    )
    return db.session.scalar(others.limit(1)) is None
