"""The purge: everything past its time goes, nothing else does, and it may be interrupted anywhere."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.features import FEATURES
from chat.jobs.models import JobState
from chat.kernel.db import db
from chat.kernel.feature import current_jobs
from chat.kernel.personal_data import Store
from chat.kernel.sealed import Sealed
from chat.kernel.site import Site
from chat.retention import jobs
from chat.retention.jobs import PURGE, purge, purge_for
from chat.retention.models import PurgePass
from chat.retention.purge import Pace, ageing, ageless, note_pass, steps
from tests.conftest import Clock
from tests.people import People
from tests.retention.rows import count, lifetime, make_row

STORES = tuple(store for feature in FEATURES for store in feature.stores)
AGED = [one for one in STORES if one in ageing(STORES) or one.goes_with is not None]
each_aged = pytest.mark.parametrize("store", AGED, ids=lambda store: store.model.__tablename__)


@each_aged
def test_what_is_past_its_time_is_deleted_and_what_is_not_stays(people: People, site: Site, clock: Clock, store: Store) -> None:
    account, span = people.alice.id, lifetime(store, STORES, site.profile)
    for age in (span, span - timedelta(hours=1)):
        make_row(store, STORES, account, clock.now - age, clock.now - age + timedelta(days=1))

    removed = purge()

    assert count(store) == 1
    assert removed == (2 if store.goes_with else 1)
    assert purge() == 0


@each_aged
def test_it_leaves_a_note_for_each_table(app: Flask, clock: Clock, store: Store) -> None:
    purge()

    note = db.session.scalars(sa.select(PurgePass).where(PurgePass.store == store.model.__tablename__)).one_or_none()
    assert (note is None) == (store.goes_with is not None)
    assert note is None or (note.finished_at, note.removed) == (clock.now, 0)


def test_a_crash_between_two_steps_loses_nothing(people: People, site: Site, clock: Clock) -> None:
    parent, child = _family()
    for _ in range(5):
        make_row(child, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(days=1)

    for _step in islice(steps(parent, STORES, site.profile, _slow()), 3):
        db.session.commit()
    db.session.rollback()
    left = count(parent), count(child)
    purge()

    assert left == (4, 3)  # message, conversation, message: each was a step
    assert (count(parent), count(child)) == (0, 0)


def test_what_was_not_committed_is_still_there(people: People, site: Site, clock: Clock) -> None:
    parent, child = _family()
    make_row(child, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(days=1)

    next(steps(parent, STORES, site.profile, _slow()))
    db.session.rollback()

    assert (count(parent), count(child)) == (1, 1)


def test_a_purge_that_runs_out_of_its_turn_asks_for_another(
    people: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(jobs, "_TURN_SECONDS", 0.0)
    monkeypatch.setattr(jobs, "kick", asked.append)
    _parent, child = _family()
    for _ in range(2):
        make_row(child, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(days=1)

    turns = [removed for _ in range(9) if (removed := purge())]

    assert sum(turns) == 4
    assert len(turns) > 1
    assert asked == [PURGE] * len(turns)
    assert not db.session.scalars(sa.select(JobState)).all()


def test_an_unfinished_pass_is_not_noted(people: People, clock: Clock) -> None:
    parent, child = _family()
    make_row(child, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(days=1)

    assert purge_for(0.0)[1] is False

    noted = db.session.scalars(sa.select(PurgePass.store)).all()
    assert parent.model.__tablename__ not in noted


def test_what_is_deleted_is_in_no_byte_of_the_database(people: People, clock: Clock, database: str) -> None:
    if not database.startswith("sqlite"):
        pytest.skip("PostgreSQL reuses pages when it vacuums; what is sealed stays unreadable (docs/threat-model.md)")
    _parent, child = _family()
    row = make_row(child, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    mark = b"0123-the-mark-of-this-test-4567" * 300
    db.session.execute(sa.update(child.model.__table__).values(body=Sealed(mark)))  # type: ignore[arg-type]
    db.session.commit()
    assert row
    assert any(mark[:31] in data for data in _files(database))
    clock.advance(days=1)

    purge()

    assert not [data for data in _files(database) if mark[:31] in data]


def test_the_purge_is_a_job_of_the_site(app: Flask) -> None:
    (job,) = [one for one in current_jobs() if one.name == PURGE]

    assert job.every <= timedelta(minutes=10)


def test_the_command_deletes_and_names_what_has_no_age(app: Flask, people: People, clock: Clock) -> None:
    _parent, child = _family()
    make_row(child, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(days=1)

    result = app.test_cli_runner().invoke(args=["privacy", "purge"])

    assert result.exit_code == 0, result.output
    assert "2 rows were past their time and are deleted." in result.output
    for store in ageless(STORES):
        assert f"{store.model.__tablename__}: its rows have no age." in result.output


def test_every_table_is_purged_goes_with_another_or_has_no_age() -> None:
    sorts = [ageing(STORES), ageless(STORES), [store for store in STORES if store.goes_with]]

    assert sorted(one.title for sort in sorts for one in sort) == sorted(one.title for one in STORES)


def test_a_pace_follows_what_a_step_takes() -> None:
    pace = Pace()
    first = pace.rows

    pace.took(0.1)
    slower = pace.rows
    for _ in range(100):
        pace.took(0.0001)
    fastest = pace.rows
    for _ in range(100):
        pace.took(1)

    assert slower < first < fastest <= 1000
    assert pace.rows == 1


def test_a_note_is_one_row_a_table(app: Flask, clock: Clock) -> None:
    store = AGED[0]

    note_pass(store, 3, clock.now)
    db.session.commit()
    note_pass(store, 4, clock.advance(minutes=10))
    db.session.commit()

    (note,) = db.session.scalars(sa.select(PurgePass)).all()
    assert (note.removed, note.finished_at) == (4, clock.now)


def _family() -> tuple[Store, Store]:
    child = next(store for store in STORES if store.goes_with is not None)
    return next(store for store in STORES if store.model is child.goes_with), child


def _slow() -> Pace:
    return _Slow()


class _Slow(Pace):
    """One row a step, however fast it goes."""

    def __init__(self) -> None:
        self.rows = 1

    def took(self, seconds: float) -> None:
        """Nothing is learnt."""


def _files(database: str) -> Iterator[bytes]:
    path = Path(database.removeprefix("sqlite:///"))
    return (one.read_bytes() for one in path.parent.glob(path.name + "*"))
