"""The account keys, wrapped, in a store of their own beside the database.

A backup of the database alone can be read by nobody, and an account whose key was destroyed here is unreadable in every
backup of the database, however old: that is why the keys do not live in it (docs/adr/0002).
"""

import hashlib
from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa

from chat.kernel import crypto
from chat.kernel.db import empty_journal, engine_options

_store = sa.MetaData()
_keys = sa.Table(
    "account_key",
    _store,
    sa.Column("account", sa.String(24), primary_key=True),
    sa.Column("master_key", sa.String(64), nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)
# Which accounts were erased, by a hash of their random public id: a backup of the database brings their rows back and knows
# nothing of the erasure, while this store was not restored with it.
_graves = sa.Table(
    "erased_account",
    _store,
    sa.Column("subject", sa.String(64), primary_key=True),
    sa.Column("erased_on", sa.Date, nullable=False),
)


def subject_of(account: str) -> str:
    """Return what stands for the account with this public id once it is erased: from it nobody finds back."""
    return hashlib.sha256(account.encode()).hexdigest()


class Keyring:
    """One row an account: its public id, which master key wraps, and the wrapped key."""

    def __init__(self, url: str, masters: crypto.MasterKeys) -> None:
        self._engine = sa.create_engine(url, **engine_options(url))
        self._masters = masters

    def create_store(self) -> None:
        """Make the store if there is none.

        Workers that start together all find none, and one of them is first: to the others its store is as good as their own.
        """
        for tries_left in reversed(range(len(_store.tables) + 1)):
            try:
                _store.create_all(self._engine)
            except (sa.exc.OperationalError, sa.exc.ProgrammingError, sa.exc.IntegrityError):
                if not tries_left:  # more failures than there are tables that somebody else can have made first
                    raise
            else:
                return

    def key_of(self, account: str) -> bytes:
        """Return the 32-byte key of the account with this public id. Raises CannotOpen when there is none, or no longer."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_keys).where(_keys.c.account == account)).one_or_none()
        if row is None:
            raise crypto.CannotOpen
        return self._masters.unwrap(row.master_key, row.wrapped, account)

    def create(self, account: str) -> None:
        """Give the account a key. An account that has one keeps it: a second key would orphan what the first sealed."""
        master_id, wrapped = self._masters.wrap(crypto.new_key(), account)
        try:
            with self._engine.begin() as connection:
                connection.execute(_keys.insert().values(account=account, master_key=master_id, wrapped=wrapped))
        except sa.exc.IntegrityError:
            return  # it has one

    def destroy(self, account: str) -> None:
        """Forget the account's key: what it sealed can never be read again, here or in a backup of the database."""
        with self._engine.begin() as connection:
            connection.execute(_keys.delete().where(_keys.c.account == account))
        empty_journal(self._engine)

    def bury(self, account: str, today: date) -> None:
        """Forget the key of an account that is erased, and remember that it was, should a backup bring its rows back."""
        with self._engine.begin() as connection:
            connection.execute(_keys.delete().where(_keys.c.account == account))
            connection.execute(_graves.delete().where(_graves.c.subject == subject_of(account)))
            connection.execute(_graves.insert().values(subject=subject_of(account), erased_on=today))
        empty_journal(self._engine)

    def find_buried(self, accounts: Iterable[str]) -> list[str]:
        """Return those of the public ids whose account was erased."""
        with self._engine.connect() as connection:
            buried = set(connection.scalars(sa.select(_graves.c.subject)))
        return [one for one in accounts if subject_of(one) in buried] if buried else []

    def forget_buried(self, before: date) -> int:
        """Forget who was erased before that day, when no backup from then is left. Return how many."""
        with self._engine.begin() as connection:
            return connection.execute(_graves.delete().where(_graves.c.erased_on < before)).rowcount

    def replace(self, account: str) -> None:
        """Give the account another key in one step, and forget the one it had. Raises CannotOpen when it had none."""
        master_id, wrapped = self._masters.wrap(crypto.new_key(), account)
        with self._engine.begin() as connection:
            replaced = connection.execute(
                _keys.update().where(_keys.c.account == account).values(master_key=master_id, wrapped=wrapped)
            )
        if not replaced.rowcount:
            raise crypto.CannotOpen
        empty_journal(self._engine)

    def holds(self, account: str) -> bool:
        """Whether there is a key of this account, whatever could open it."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(_keys.c.account).where(_keys.c.account == account)) is not None

    def empty_journal(self) -> bool:
        """Empty the journal of a keyring on SQLite, where a destroyed key may still stand. Return whether it is empty now."""
        return empty_journal(self._engine)

    def rewrap(self, masters: crypto.MasterKeys) -> int:
        """Wrap every key that an older master key wraps by the current one of `masters`. Return how many."""
        changed = 0
        with self._engine.begin() as connection:
            old = connection.execute(sa.select(_keys).where(_keys.c.master_key != masters.current_id)).all()
            for row in old:
                key = masters.unwrap(row.master_key, row.wrapped, row.account)
                master_id, wrapped = masters.wrap(key, row.account)
                connection.execute(
                    _keys.update().where(_keys.c.account == row.account).values(master_key=master_id, wrapped=wrapped)
                )
                changed += 1
        self._masters = masters
        return changed

    def close(self) -> None:
        self._engine.dispose()
