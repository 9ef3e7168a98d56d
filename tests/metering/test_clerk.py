"""What requests write goes together into few transactions, and each of them gets its own answer."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from chat.metering.clerk import Clerk


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'book.sqlite'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE entry (words TEXT UNIQUE)"))
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine: sa.Engine) -> list[int]:
    """How many rows there were at each commit since then."""
    seen: list[int] = []
    sa.event.listen(engine, "commit", lambda connection: seen.append(_count(connection)))
    return seen


def _count(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.text("SELECT count(*) FROM entry")) or 0)


def _write(words: str, connection: sa.Connection) -> str:
    connection.execute(sa.text("INSERT INTO entry VALUES (:words)"), {"words": words})
    return words


def test_what_nobody_waits_for_goes_with_what_comes_next(engine: sa.Engine, commits: list[int]) -> None:
    clerk = Clerk(engine, linger=60)

    clerk.post(lambda connection: _write("the end of one", connection))
    time.sleep(0.05)  # in which it would have been written
    assert clerk.do(lambda connection: _write("the beginning of the next", connection)) == "the beginning of the next"

    assert commits == [2]


def test_it_does_not_wait_for_ever(engine: sa.Engine, commits: list[int]) -> None:
    clerk = Clerk(engine)

    clerk.post(lambda connection: _write("the last one", connection))

    assert clerk.flush()
    assert commits == [1]


def test_one_that_fails_takes_nobody_along(engine: sa.Engine) -> None:
    clerk = Clerk(engine)
    clerk.do(lambda connection: _write("once", connection))

    clerk.post(lambda connection: _write("posted", connection))
    with pytest.raises(sa.exc.IntegrityError):
        clerk.do(lambda connection: _write("once", connection))

    assert clerk.flush()
    with engine.connect() as connection:
        assert _count(connection) == 2
