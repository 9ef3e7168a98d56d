"""A row of a person in every table that is declared, whatever features come later: made from the columns alone."""

import secrets
from typing import Any

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.datarights.removal import count_rows
from chat.kernel import clock
from chat.kernel.db import Base, UTCDateTime, db
from chat.kernel.lifetimes import EVEN_EXPIRED
from chat.kernel.personal_data import Store
from chat.kernel.sealed import Sealed, SealedContent


def seed(stores: tuple[Store, ...], account: Account) -> None:
    """Give the account one more row in each declared table with an owner, children after what they hang from.

    A table that has room for one row a person gets no second one.
    """
    mine: dict[str, int] = {Account.__tablename__: account.id}
    owned = {store.model.__table__: store for store in stores if store.owner is not None and store.model is not Account}
    order = [table for table in Base.metadata.sorted_tables if table in owned]
    for table in [*order, *(one for one in owned if one not in order)]:
        if (only := _only_row(table, owned[table].owner, account.id)) is not None:
            mine[table.name] = only
            continue
        values = {column.key: _value(column, mine) for column in table.columns if not column.primary_key}
        values[owned[table].owner.key] = account.id  # type: ignore[index]  # a table, in fact
        mine[table.name] = db.session.execute(sa.insert(table).values(values)).inserted_primary_key[0]  # type: ignore[attr-defined, arg-type]
    db.session.commit()


def _only_row(table: Any, owner: Any, account_id: int) -> int | None:
    """Return the person's row of a table that has room for no other."""
    alone = [one for one in table.constraints if isinstance(one, sa.UniqueConstraint) and [*one.columns.keys()] == [owner.key]]
    if not alone and not table.columns[owner.key].unique:
        return None
    found: int | None = db.session.scalar(sa.select(table.c.id).where(table.c[owner.key] == account_id))
    return found


def places_of(stores: tuple[Store, ...], number: int, account: str, *, tables: Any = None) -> list[str]:
    """Return where anything leads to the account: its number where owners stand, its public id in any column of text."""
    rows = [(store.model.__table__, store.owner, number) for store in stores if store.owner is not None]
    for table in tables or [store.model.__table__ for store in stores]:
        rows += [(table, column, account) for column in table.columns if isinstance(column.type, sa.String)]
        rows += [(table, column, number) for column in table.columns if _leads_to_accounts(column)]
    return [f"{table.name}.{column.key}" for table, column, value in rows if _exists(sa.select(table).where(column == value))]


def counts(stores: tuple[Store, ...], number: int) -> dict[str, int]:
    """Return how many rows of each table are the account's."""
    owned = [(store.model.__tablename__, store) for store in stores if store.owner is not None]
    return {name: count_rows(store, number) for name, store in owned}


def _leads_to_accounts(column: Any) -> bool:
    return any(key.column.table.name == "account" for key in column.foreign_keys)


def _exists(query: Any) -> bool:
    return db.session.execute(query.limit(1), execution_options=EVEN_EXPIRED).first() is not None


def _parent(table: Any, mine: dict[str, int]) -> int:
    """The row to hang from: one of the person's, or a new one of a table that is about nobody."""
    if table.name not in mine:
        values = {column.key: _value(column, mine) for column in table.columns if not column.primary_key}
        mine[table.name] = db.session.execute(sa.insert(table).values(values)).inserted_primary_key[0]  # type: ignore[attr-defined]
    return mine[table.name]


def _value(column: Any, mine: dict[str, int]) -> Any:  # noqa: PLR0911  # one answer for each type
    for key in column.foreign_keys:
        return _parent(key.column.table, mine)
    kind = column.type
    word = secrets.token_hex(8)
    match kind:
        case SealedContent():
            return Sealed(word.encode())
        case sa.LargeBinary():
            return word.encode()
        case UTCDateTime():
            return clock.now()
        case sa.Date():
            return clock.now().date()
        case sa.Boolean():
            return False
        case sa.JSON():
            return {}
        case sa.String():
            return word[: kind.length or 16]
        case sa.Integer() | sa.Float() | sa.Numeric():
            return secrets.randbelow(10_000)
    raise AssertionError(f"{column}: say here what a row in it could hold")
