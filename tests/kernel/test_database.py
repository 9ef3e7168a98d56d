"""The pragmas, times and content columns that the rest relies on."""

import sqlite3
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.kernel.db import UTCDateTime, db, engine_options, truncate_journal
from chat.kernel.sealed import Sealed, SealedContent

TABLE = sa.Table(
    "probe",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UTCDateTime),
    sa.Column("c", SealedContent),
)
CANARY = b"canary-90be"


def test_every_sqlite_connection_has_the_pragmas(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    engine = sa.create_engine(url, **engine_options(url))

    with engine.connect() as one, engine.connect() as two:
        found = [
            [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("foreign_keys", "secure_delete", "journal_mode")
            ]
            for connection in (one, two)
        ]

    engine.dispose()
    assert found == [[1, 1, "wal"]] * 2


def test_times_come_back_aware_and_the_same(app: Flask) -> None:
    TABLE.create(db.engine)
    somewhere = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=3)))

    with db.engine.begin() as connection:
        connection.execute(TABLE.insert().values(id=1, at=somewhere))
        found = connection.scalar(sa.select(TABLE.c.at))

    assert found == somewhere
    assert found.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(app: Flask) -> None:
    TABLE.create(db.engine)

    with db.engine.begin() as connection, pytest.raises(sa.exc.StatementError, match="a naive datetime has no moment"):
        connection.execute(TABLE.insert().values(id=1, at=datetime(2026, 1, 1)))  # noqa: DTZ001  # that is what is tried


@pytest.mark.parametrize("value", ["words", b"words", 7])
def test_a_content_column_takes_nothing_unsealed(app: Flask, value: object) -> None:
    TABLE.create(db.engine)

    with db.engine.begin() as connection, pytest.raises(sa.exc.StatementError, match="only as Sealed"):
        connection.execute(TABLE.insert().values(id=1, c=value))


def test_a_failing_statement_does_not_show_its_values(app: Flask) -> None:
    with pytest.raises(sa.exc.SQLAlchemyError) as failed:
        db.session.execute(sa.text("INSERT INTO nowhere VALUES (:a)"), {"a": CANARY.decode()})
    db.session.rollback()

    assert CANARY.decode() not in str(failed.value)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_deleted_is_gone_from_every_file(app: Flask, tmp_path: Path) -> None:
    TABLE.create(db.engine)
    with db.engine.begin() as connection:
        connection.execute(TABLE.insert().values(id=1, c=Sealed(CANARY * 2000)))
    assert any(CANARY in path.read_bytes() for path in tmp_path.glob("candor.sqlite*"))

    with db.engine.begin() as connection:
        connection.execute(TABLE.delete())
    truncate_journal()

    assert not [path.name for path in tmp_path.glob("candor.sqlite*") if CANARY in path.read_bytes()]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_reader_does_not_hold_up_the_emptying_of_the_journal(app: Flask) -> None:
    """It holds the write lock meanwhile: waiting for the reader would stop every writer."""
    TABLE.create(db.engine)
    with db.engine.connect() as reader:
        reader.execute(sa.select(TABLE)).all()
        with db.engine.begin() as writer:
            writer.execute(TABLE.insert().values(id=1))
        began = time.monotonic()

        truncate_journal()

        assert time.monotonic() - began < 5
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_without_secure_delete_it_would_stay(tmp_path: Path) -> None:
    """What the pragma is for: seen once without it, so that the test above means something."""
    path = tmp_path / "careless.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete=OFF")
    connection.execute("CREATE TABLE t (c BLOB)")
    connection.execute("INSERT INTO t VALUES (?)", (CANARY * 2000,))
    connection.commit()
    connection.execute("DELETE FROM t")
    connection.commit()
    connection.close()

    assert CANARY in path.read_bytes()
