"""A row in any table, made from its columns alone: what retention promises holds for tables that nobody has thought of yet."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import Boolean, Date, Float, Integer, LargeBinary, String

from chat.kernel.db import UTCDateTime, db
from chat.kernel.lifetimes import link_to_parent
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile
from chat.kernel.sealed import Sealed, SealedContent


def make_row(
    store: Store,
    stores: Sequence[Store],
    account_id: int,
    born: datetime,
    expires: datetime,
    made: dict[str, int] | None = None,
) -> int:
    """Insert a row of the store, and first what it belongs to, unless that is among `made`. Return its id."""
    made = {} if made is None else made
    table: Any = store.model.__table__
    values = {column.name: _value(column, account_id, born) for column in table.columns if not column.primary_key}
    if store.owner is not None and store.owner.name in values:
        values[store.owner.name] = account_id
    if store.expires is not None:
        values[store.expires.name] = expires
    link = link_to_parent(store) if store.goes_with is not None else None
    for column in sorted(table.columns, key=lambda one: one is not link):  # what it goes with before whatever else it needs
        if column is link or (column.foreign_keys and not column.nullable and values[column.name] is None):
            target = next(iter(column.foreign_keys)).column.table
            if target.name not in made:
                other = next(one for one in stores if one.model.__table__ is target)
                made[target.name] = make_row(other, stores, account_id, born, expires, made)
            values[column.name] = made[target.name]
    row_id: int = db.session.execute(sa.insert(table).values(values)).inserted_primary_key[0]  # type: ignore[attr-defined]
    db.session.commit()
    return row_id


def lifetime(store: Store, stores: Sequence[Store], profile: Profile) -> timedelta:
    """How long a row made by `make_row` with the longest `expires` lives."""
    while store.goes_with is not None:
        store = next(one for one in stores if one.model is store.goes_with)
    if store.expires is not None:
        return timedelta(days=1)
    assert store.keep_for is not None
    return store.keep_for(profile)


def count(store: Store) -> int:
    """How many rows there are, those that no query sees included."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(store.model.__table__)) or 0


def _value(column: sa.Column[Any], account_id: int, born: datetime) -> Any:
    if column.foreign_keys:
        target = next(iter(column.foreign_keys)).column.table.name
        return account_id if target == "account" else None
    kind = next((one for one in _SAMPLES if isinstance(column.type, one)), None)
    assert kind is not None, f"{column}: say here what a value of {column.type!r} looks like"
    return _SAMPLES[kind](column, born)


_SAMPLES: dict[type[Any], Callable[[Any, datetime], Any]] = {
    SealedContent: lambda _column, _born: Sealed(secrets.token_bytes(40)),
    UTCDateTime: lambda _column, born: born,
    Date: lambda _column, born: born.date(),
    String: lambda column, _born: secrets.token_hex(12)[: column.type.length],
    LargeBinary: lambda _column, _born: secrets.token_bytes(40),
    Boolean: lambda _column, _born: False,
    Integer: lambda _column, _born: secrets.randbelow(1000),
    Float: lambda _column, _born: 0.5,
    sa.JSON: lambda _column, _born: {},
}
