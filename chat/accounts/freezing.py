"""Restricting the use of one's data (GDPR Art. 18): a frozen account is kept and used for nothing.

Each address that changes something declares what a freeze does to it (`kernel.access.WhenFrozen`), and `accounts.views` refuses
the rest before any view is asked. Behind that stand the ledger, where no consent of a frozen account holds; the gate, which
issues no permit without one; and the door to the models. Looking, taking, deleting, withdrawing and what keeps the account
safe go on.
"""

from datetime import datetime

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.kernel.db import db
from chat.kernel.errors import Refused

SENTENCE = (
    "Your account is frozen: it is kept, and used for nothing. To go on, switch the freeze off in the settings under Your data."
)


class Frozen(Refused):
    code = "frozen"


def freeze(account: Account, now: datetime) -> None:
    """Have the account kept and used for nothing from now on. Freezing it again changes nothing."""
    if account.frozen_at is None:
        account.frozen_at = now


def thaw(account: Account) -> None:
    """Let the account be used as before."""
    account.frozen_at = None


def is_frozen(account_id: int) -> bool:
    """Whether the account is frozen at this moment, whatever this session loaded before."""
    return db.session.scalar(sa.select(Account.frozen_at).where(Account.id == account_id)) is not None


def check_in_use(account_id: int) -> None:
    """Raise Frozen for an account that is to be used for nothing. Asks nothing of the database for one that is at hand."""
    account = db.session.get(Account, account_id)
    if account is not None and account.frozen_at is not None:
        raise Frozen(SENTENCE)
