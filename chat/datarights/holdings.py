"""Which rows of a declared table are one person's: what the page counts and the copy holds."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from chat.kernel.db import db
from chat.kernel.personal_data import Store
from chat.kernel.sealed import SealedContent

_FIXED = 8  # what a number, a moment or a yes or no counts for


def owned(stores: Iterable[Store]) -> list[Store]:
    """Return the tables that are about people, each of which its owner may see."""
    return [store for store in stores if store.owner is not None]


def select_rows(columns: list[Any], store: Store, owner_id: int) -> sa.Select[Any]:
    """Return the query for `columns` of the person's rows of one table, as far as they may see them.

    It must be executed by the session, which hides what is past its time (kernel/lifetimes.py).
    """
    query = sa.select(*columns).select_from(store.model).where(store.owner == owner_id)
    return query if store.shown is None else query.where(store.shown)


def content_columns(store: Store) -> list[str]:
    """Return the names of the table's columns that hold what people wrote."""
    return [column.key for column in sa.inspect(store.model).column_attrs if _type(store, column.key) is SealedContent]


def size_of_row(store: Store) -> Any:
    """Return the expression for the bytes of a row's values: of texts and files their length, of all else eight."""
    sizes = [_size(getattr(store.model, attribute.key)) for attribute in sa.inspect(store.model).column_attrs]
    total = sizes[0]
    for size in sizes[1:]:
        total += size
    return total


def _type(store: Store, name: str) -> type[Any]:
    return type(getattr(store.model, name).property.columns[0].type)


def _size(column: Any) -> Any:
    kind = column.property.columns[0].type
    if isinstance(kind, (sa.String, sa.LargeBinary, SealedContent)):
        plain = sa.type_coerce(column, sa.LargeBinary() if not isinstance(kind, sa.String) else sa.String())
        if db.session.get_bind().dialect.name == "postgresql":
            length = sa.func.octet_length(plain)
        else:
            length = sa.func.length(sa.cast(plain, sa.LargeBinary))  # bytes, where the length of a text is in letters
        return sa.func.coalesce(length, 0)
    return sa.case((column.is_(None), 0), else_=_FIXED)
