"""Taking one account's rows out of whatever tables are declared, in batches. Knows no table by name.

A row goes, or, where the declaration says why it must stay, loses its owner.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from chat.kernel.db import Base, db
from chat.kernel.lifetimes import EVEN_EXPIRED
from chat.kernel.personal_data import Store

# Small enough that a writer who waits for the lock of SQLite does not notice.
BATCH = 500
NOBODY = "an erased account"


def about_people(stores: Iterable[Store]) -> list[Store]:
    """Return the tables that have owners, each before the tables it points to: no row goes by a cascade, uncounted."""
    depth = {table: place for place, table in enumerate(Base.metadata.sorted_tables)}
    owned = [store for store in stores if store.owner is not None or store.also_names]
    # A table that is not among the application's own comes first.
    return sorted(owned, key=lambda store: -depth.get(store.model.__table__, len(depth)))  # type: ignore[call-overload]


def take(store: Store, number: int, account: str, *, names: bool, most: int = BATCH) -> int:
    """Remove up to `most` of the account's rows, or what leads to it where they stay. Return how many.

    `names` takes the account's name from rows about others, too.
    """
    return _take_owned(store, number, most) or (_unname(store, account, most) if names else 0)


def count_rows(store: Store, number: int) -> int:
    """Return how many rows of the table still belong to the account."""
    return _counted(store, store.owner == number)


def count_names(store: Store, account: str) -> int:
    """Return in how many places of the table the account is still named by its public id."""
    return sum(_counted(store, column == account) for column in store.also_names)


def find_left(stores: Sequence[Store], number: int | None, account: str | None) -> dict[str, int]:
    """Return what of the account is left in these tables, by their titles: rows under its number, and its name elsewhere."""
    found = {}
    for store in stores:
        rows = 0 if number is None or store.owner is None else count_rows(store, number)
        names = 0 if account is None else count_names(store, account)
        if left := rows + names:
            found[store.title] = left
    return found


def _take_owned(store: Store, number: int, most: int) -> int:
    if store.owner is None:
        return 0
    key = sa.inspect(store.model).primary_key[0]
    some = sa.select(key).where(store.owner == number).limit(most)
    if store.stays:
        return _count(sa.update(store.model).where(key.in_(some)).values({store.owner.key: None}))
    return _count(sa.delete(store.model).where(key.in_(some)))


def _unname(store: Store, account: str, most: int) -> int:
    key = sa.inspect(store.model).primary_key[0]
    for column in store.also_names:
        some = sa.select(key).where(column == account).limit(most)
        if count := _count(sa.update(store.model).where(key.in_(some)).values({column.key: NOBODY})):
            return count
    return 0


def _counted(store: Store, condition: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(store.model).where(condition)
    # What is past its time is invisible, and there all the same until the purge comes by.
    return db.session.scalar(query, execution_options=EVEN_EXPIRED) or 0


def _count(statement: sa.Delete | sa.Update) -> int:
    result = db.session.execute(statement, execution_options={"synchronize_session": False, **EVEN_EXPIRED})
    count: int = result.rowcount  # type: ignore[attr-defined]  # it has one; the annotation is the general one
    return count
