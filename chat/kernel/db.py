"""The database: typed base, conventions, and the pragmas that make deleting mean deleting on SQLite."""

import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

intpk = Annotated[int, mapped_column(primary_key=True)]
public_id_column = Annotated[str, mapped_column(sa.String(24), unique=True)]
_PATIENCE_SECONDS = 30


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime on every database. SQLite would otherwise return naive ones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no moment: use chat.kernel.clock")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What every model inherits. Table names are written out, constraint names follow one convention."""

    registry = registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(column_0_label)s",
                "uq": "uq_%(table_name)s_%(column_0_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: UTCDateTime()},
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


def engine_options(url: str) -> dict[str, Any]:
    """Return SQLAlchemy's engine options for `url`. Parameters never reach a log or an error message."""
    options: dict[str, Any] = {"hide_parameters": True}
    if url.startswith("sqlite"):
        # BEGIN IMMEDIATE with the first write: a writer waits for its turn instead of failing half-way through.
        options["connect_args"] = {"timeout": 30, "isolation_level": "IMMEDIATE"}
        if not is_in_memory(url):
            options |= {"pool_size": 16, "max_overflow": 64}
    else:
        options |= {"pool_size": 10, "max_overflow": 40, "pool_pre_ping": True}
    return options


def insert_or_change(model: type[Base], connection: sa.Connection | None = None) -> Any:
    """Return an INSERT that can say what to do on a conflict, which both databases know and SQLAlchemy keeps in two places.

    For `connection`, or for the session where none is given.
    """
    dialect = (connection or db.session.get_bind()).dialect
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return insert(model)


def is_in_memory(url: str) -> bool:
    return sa.make_url(url).database in (None, "", ":memory:")


@sa.event.listens_for(sa.Engine, "connect")
def _set_pragmas(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    # SQLite forgets these with each connection. secure_delete overwrites freed pages with zeros; WAL lets readers and the
    # one writer work at the same time; synchronous=NORMAL is safe against corruption in WAL mode (sqlite.org/pragma.html).
    for pragma in ("foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=NORMAL")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put a file into WAL mode, where it is not: the one statement for which SQLite does not wait as long as it was told to.

    Two connections that open a new file at the same moment can each hold what the other needs, and SQLite then refuses one
    of them at once (sqlite.org/c3ref/busy_handler.html). Tried again, it finds the file as it wanted it.
    """
    given_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > given_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def is_in_transaction() -> bool:
    """Return whether this request has asked the database anything that is not committed."""
    return db.session.registry.has() and db.session().in_transaction()


def read_briefly(query: sa.Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """Return all rows of `query` and give the connection back: for what is read while somebody's slow line takes it in."""
    rows = db.session.execute(query).all()
    db.session.rollback()
    return rows


def truncate_journal() -> bool:
    """Fold SQLite's write-ahead log into the database and empty it, so that deleted bytes do not linger there.

    Return whether it is empty now: a reader in the middle of a query postpones that to the next call. Others have none.
    """
    return empty_journal(db.engine)


def fold_journal() -> None:
    """Fold as much of SQLite's write-ahead log into the database as can be without anybody waiting. Nothing on others.

    Whoever writes much does this after each transaction: SQLite leaves it to the commit that makes the log long, and that
    may be somebody else's, who then waits for the disk.
    """
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def empty_journal(engine: sa.Engine) -> bool:
    """The same for a database of its own."""
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What can be folded in beside everybody else's work is: the rest has the database to itself.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        # This checkpoint holds the write lock while it waits for readers: with the usual patience of 30 seconds, one
        # forgotten read would stop every writer, and under gevent the whole worker, for that long.
        usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
        try:
            is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={usual}")
    return not is_busy
