"""The scratch instance's database, read from outside with plain SQL: what stands in it, row by row, as bytes."""

import secrets
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from chat.policy.sweep import Canary, Hit

_SCHEMA = "candor_scratch_"


def is_postgresql(url: str | None) -> bool:
    return url is not None and url.startswith("postgresql")


def new_schema(url: str) -> str:
    """Make an empty schema beside the site's tables, and return the URL by which an application sees it alone."""
    name = _SCHEMA + secrets.token_hex(6)
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(name))
    return sa.make_url(url).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)


def drop_schema(url: str) -> None:
    """Drop the schema that `new_schema` made, with all that is in it."""
    name = str(sa.make_url(url).query["options"]).rpartition("=")[2]
    if not name.startswith(_SCHEMA):
        raise ValueError("that is not a scratch schema")
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(sa.schema.DropSchema(name, cascade=True))


class Tables:
    """Every table of one database."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)

    @cached_property
    def _tables(self) -> dict[str, sa.TableClause]:
        """Each table as it is found, once: looking costs more than reading the few rows does."""
        inspector = sa.inspect(self.engine)
        return {
            name: sa.table(name, *(sa.column(one["name"], one["type"]) for one in inspector.get_columns(name)))
            for name in sorted(inspector.get_table_names())
        }

    def names(self) -> list[str]:
        return list(self._tables)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return every row of `table`, each as a dict from column to value."""
        with self.engine.connect() as connection:
            return self._rows(connection, table)

    def every_row(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every row of every table, with the table's name, over one connection."""
        with self.engine.connect() as connection:
            for table in self.names():
                for row in self._rows(connection, table):
                    yield table, row

    def find(self, canary: Canary) -> Iterator[Hit]:
        """Every place in any row where the canary stands, in whatever disguise."""
        for table, row in self.every_row():
            for column, value in row.items():
                data = value if isinstance(value, bytes) else str(value).encode()
                yield from canary.find_in(data, f"the table {table}, column {column}")

    def find_bytes(self, data: bytes) -> Iterator[str]:
        """Every place in any row where these bytes stand."""
        for table, row in self.every_row():
            yield from (f"{table}.{column}" for column, value in row.items() if isinstance(value, bytes) and data in value)

    def _rows(self, connection: sa.Connection, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(sa.select(self._tables[table])).mappings()]
