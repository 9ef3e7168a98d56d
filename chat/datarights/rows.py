"""A table's rows of one person as JSON, a few at a time: how long the table is makes no difference to the memory.

Only the columns that the table's declaration exports are read, and sealed ones are opened with the person's own key.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from chat.datarights.holdings import content_columns, select_rows, size_of_row
from chat.kernel.db import Base, read_briefly
from chat.kernel.export import Subject
from chat.kernel.personal_data import Store

_MOST_ROWS = 200
# Keys and sizes are small, so many are asked for at once: as long as PostgreSQL has no statistics of a table, it sorts all
# that is left of a person's rows each time.
_MOST_KEYS = 5_000
_MOST_BYTES = 2_000_000
_encode = msgspec.json.Encoder().encode


def json_document(store: Store, subject: Subject, count: Callable[[], None]) -> Iterator[bytes]:
    """Yield the document of one table; `count` is called for each row."""
    head = {"table": store.model.__tablename__, "title": store.title, "holds": store.holds, "why": store.why}
    yield _encode(head | {"legal_basis": store.basis.value, "consent": store.purpose})[:-1] + b',"rows":['
    before = b"\n"
    for batch in _batches(store, subject):
        lines = []
        for row in batch:
            count()
            lines.append(before + _encode(row))
            before = b",\n"
        yield b"".join(lines)
    yield b"\n]}\n"


def _batches(store: Store, subject: Subject) -> Iterator[list[dict[str, object]]]:
    """Yield rows in order, each batch small by number and by bytes, and each read in a transaction of its own."""
    key = sa.inspect(store.model).primary_key[0]
    query = select_rows(_columns(store), store, subject.owner_id).order_by(key)
    for pointer, target in store.linked.values():
        table: type[Base] = target.class_
        query = query.outerjoin(table, pointer == sa.inspect(table).primary_key[0])
    after: Any = None
    for last in _ends(store, subject):
        rows = read_briefly(query.where(key <= last) if after is None else query.where(key > after, key <= last))
        yield [_row(store, subject, row) for row in rows]
        after = last


def _ends(store: Store, subject: Subject) -> Iterator[Any]:
    """Yield the keys of the rows that batches end with."""
    key = sa.inspect(store.model).primary_key[0]
    query = select_rows([key, size_of_row(store)], store, subject.owner_id).order_by(key).limit(_MOST_KEYS)
    after: Any = None
    while sizes := read_briefly(query if after is None else query.where(key > after)):
        number = weight = 0
        for this, size in sizes:
            if number == _MOST_ROWS or (number and weight + size > _MOST_BYTES):
                yield after
                number = weight = 0
            number, weight, after = number + 1, weight + size, this
        yield after
        if len(sizes) < _MOST_KEYS:
            return


def _columns(store: Store) -> list[Any]:
    sealed = content_columns(store)
    names = dict.fromkeys((*store.exported, *(("public_id",) if sealed else ())))
    columns = [getattr(store.model, name).label(name) for name in names]
    return [*columns, *(target.label(name) for name, (_pointer, target) in store.linked.items())]


def _row(store: Store, subject: Subject, row: Any) -> dict[str, object]:
    values = row._mapping  # noqa: SLF001  # its public name, by SQLAlchemy's documentation
    sealed = content_columns(store)
    found: dict[str, object] = {}
    damaged = []
    for name in (*store.exported, *store.linked):
        if name in sealed and values[name] is not None:
            opened = subject.open(store.model.__tablename__, name, values["public_id"], values[name])
            found[name] = None if opened is None else _decoded(store, name, values["public_id"], opened)
            damaged += [name] if opened is None else []
        else:
            found[name] = _plain(values[name])
    return found | ({"damaged": damaged} if damaged else {})


def _decoded(store: Store, name: str, row_id: str, content: bytes) -> object:
    if name in store.opened:
        return store.opened[name](row_id, content)
    return content.decode("utf-8", "replace")


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
        case bytes():
            raise TypeError("bytes are exported only where the declaration says how they open")
        case _:
            return value
