"""The audit log: every act by which an operator reached somebody's data, written in the transaction of the act itself."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from chat.accounts.models import Account, AuditEntry
from chat.kernel.db import db
from chat.kernel.ids import public_id

CONSOLE = "console"


def record(
    act: str, *, reason: str, now: datetime, about: Account | None = None, by: str = CONSOLE, withheld: bool = False
) -> AuditEntry:
    """Write down that the operator did `act`, and why. `withheld` keeps it from the page of the person it is about."""
    entry = AuditEntry(
        public_id=public_id(),
        at=now,
        act=act,
        by=by,
        account_id=None if about is None else about.id,
        reason=reason,
        is_withheld=withheld,
    )
    db.session.add(entry)
    return entry


def list_about(account: Account) -> Sequence[AuditEntry]:
    """Return what operators did with the account's data, as far as the person may know, the latest first."""
    return db.session.scalars(
        sa.select(AuditEntry)
        .where(AuditEntry.account_id == account.id, AuditEntry.is_withheld.is_(False))
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    ).all()
