"""Accounts come into being here, for the registration page and the operator's command alike."""

from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from chat.accounts.errors import AddressTaken
from chat.accounts.models import Account
from chat.kernel.db import db
from chat.kernel.ids import public_id
from chat.kernel.keyring import Keyring

# Any number, the same in every process: what registrations wait for while there is no account yet.
_FIRST_ACCOUNT = 0x63616E646F72


def create_account(
    keyring: Keyring,
    *,
    email: str,
    display_name: str,
    password_hash: str | None,
    now: datetime,
    confirmed: bool = False,
    operator: bool = False,
) -> Account:
    """Return a new account with its key. The very first one becomes the operator's. Raises AddressTaken."""
    account = Account(
        public_id=public_id(),
        email=email,
        display_name=display_name,
        password=password_hash,
        active=True,
        is_operator=operator,
        confirmed_at=now if confirmed else None,
        created_at=now,
        fs_uniquifier=uuid4().hex,
    )
    # The key first: if the transaction fails it is a key of nobody, while an account without one could keep nothing.
    keyring.create(account.public_id)
    db.session.add(account)
    try:
        # Flushed to learn of a taken address now, in the view, and to hold SQLite's write lock for the next question.
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        keyring.destroy(account.public_id)
        raise AddressTaken("There is an account with this e-mail address already.") from None
    account.is_operator = operator or _is_first(account)
    return account


def find_account(email: str) -> Account | None:
    """Return the account with this address, whatever its case."""
    return db.session.scalar(sa.select(Account).where(sa.func.lower(Account.email) == sa.func.lower(email)))


def _is_first(account: Account) -> bool:
    """Whether no other account exists or is being made: of two first registrations at once, one waits for the other."""
    others = sa.select(sa.literal(1)).where(Account.id != account.id).limit(1)
    if db.session.scalar(others):
        return False
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_FIRST_ACCOUNT)))
    return db.session.scalar(others) is None
