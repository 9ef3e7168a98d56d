"""A job's turn comes when it is due or asked for, and goes to one process, whatever becomes of that process."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.jobs import turns
from chat.jobs.models import JobState
from chat.jobs.turns import Turn
from chat.jobs.work import carry_out
from chat.kernel.db import db
from chat.kernel.feature import Job
from chat.kernel.settings import ROOT
from tests.conftest import Clock
from tests.jobs.conftest import DAY, soon
from tests.servers import sandbox_environment

T = TypeVar("T")
JOB = Job(name="daily", run=lambda: 1, every=DAY)


@pytest.fixture(autouse=True)
def _enrolled(app: Flask, clock: Clock) -> None:
    turns.enrol([JOB], clock.now)


def test_a_new_job_is_due_at_once_and_then_after_its_rhythm(clock: Clock) -> None:
    first = turns.list_due(clock.now)
    turns.end(begun(clock), clock.now, 3)

    at_once, a_day_later = turns.list_due(clock.now), turns.list_due(clock.now + DAY)

    assert (first, at_once, a_day_later) == (["daily"], [], ["daily"])
    assert (state().failed, state().count, state().ended_at) == (False, 3, clock.now)


def test_a_kick_lets_it_run_once_before_its_turn(clock: Clock) -> None:
    turns.end(begun(clock), clock.now, 0)
    turns.kick("daily", clock.now)
    kicked = turns.claim(JOB, clock.advance(seconds=1))
    assert kicked
    turns.end(kicked, clock.now, 0)

    assert turns.list_due(clock.now) == []


def test_a_kick_while_it_runs_waits_for_the_end_and_is_not_lost(clock: Clock) -> None:
    turn = begun(clock)
    turns.kick("daily", clock.now)
    meanwhile = turns.list_due(clock.now)

    turns.end(turn, clock.now, 0)

    assert (meanwhile, turns.list_due(clock.now)) == ([], ["daily"])


def test_a_kick_of_a_clock_that_is_slow_counts_all_the_same(clock: Clock) -> None:
    turns.end(begun(clock), clock.now, 0)

    turns.kick("daily", clock.now - timedelta(minutes=5))

    assert turns.list_due(clock.now) == ["daily"]


def test_one_of_many_that_claim_at_once_gets_the_turn(app: Flask, clock: Clock) -> None:
    got = at_once(app, 8, lambda: turns.claim(JOB, clock.now))

    assert len([turn for turn in got if turn]) == 1


def test_many_that_enrol_at_once_make_one_row(app: Flask, clock: Clock) -> None:
    at_once(app, 8, lambda: turns.enrol([Job(name="new", run=lambda: 1, every=DAY)], clock.now))

    assert db.session.scalar(sa.select(sa.func.count()).where(JobState.name == "new")) == 1


def test_a_job_that_fails_is_tried_again_each_time_after_twice_as_long(clock: Clock) -> None:
    waits = []
    for _attempt in range(14):
        turns.end(begun(clock), clock.now, None)
        turns.kick("daily", clock.now)  # does not hurry it
        waits.append(state().due_at - clock.now)
        assert turns.list_due(clock.now) == []
        clock.now = state().due_at

    assert waits[:4] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits[-1] == DAY
    assert state().failed


def test_a_job_that_went_well_again_is_forgiven(clock: Clock) -> None:
    turns.end(begun(clock), clock.now, None)
    clock.advance(minutes=1)
    turns.end(begun(clock), clock.now, 1)

    turns.kick("daily", clock.now)

    assert turns.list_due(clock.now) == ["daily"]
    assert not state().failed


def test_a_run_that_was_killed_is_begun_again_by_another_process(
    app: Flask, database: str, clock: Clock, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, database], cwd=ROOT, env=sandbox_environment(tmp_path), stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"running\n"
    process.kill()
    process.communicate()
    began = state().started_at
    assert began

    early = turns.claim(JOB, began + timedelta(seconds=29))
    late = turns.claim(JOB, began + timedelta(seconds=31))

    assert early is None
    assert late
    assert late.attempt == 2


KILLED = """
import sys, time
from chat.jobs import turns
from chat.kernel import clock
from chat.kernel.feature import Job
from chat.jobs.work import carry_out
from tests.databases import bare_app

def run():
    print("running", flush=True)
    time.sleep(60)

with bare_app(sys.argv[1]).app_context():
    carry_out(turns.claim(Job(name="daily", run=run, every=__import__("datetime").timedelta(days=1)), clock.now()))
"""


def test_a_job_that_runs_for_long_stays_with_whoever_runs_it(clock: Clock) -> None:
    taken: list[Turn | None] = []

    def run() -> int:
        clock.advance(seconds=29)
        assert soon(lambda: state().due_at > clock.now + timedelta(seconds=20))
        taken.append(turns.claim(JOB, clock.advance(seconds=2)))
        return 1

    turn = turns.claim(Job(name="daily", run=run, every=DAY), clock.now)
    assert turn

    assert carry_out(turn, keep_seconds=0.05) == 1
    assert taken == [None]


def test_who_lost_its_turn_does_not_write_over_the_next_ones(clock: Clock) -> None:
    lost = begun(clock)
    clock.advance(minutes=1)
    begun(clock)

    turns.end(lost, clock.now, 7)
    turns.keep(lost, clock.now + DAY)

    assert state().ended_at is None
    assert state().due_at == clock.now + timedelta(minutes=1)


def test_a_turn_that_lies_too_far_off_is_brought_nearer(clock: Clock) -> None:
    turns.end(begun(clock), clock.now, 0)
    hourly = Job(name="daily", run=lambda: 1, every=timedelta(hours=1))

    turns.enrol([hourly], clock.now)

    assert state().due_at == clock.now + timedelta(hours=1)


def test_a_job_runs_at_once_for_whoever_seizes_it(clock: Clock) -> None:
    turns.end(begun(clock), clock.now, 0)

    assert turns.seize(JOB, clock.now)


def begun(clock: Clock) -> Turn:
    turn = turns.claim(JOB, clock.now)
    assert turn
    return turn


def state() -> JobState:
    db.session.rollback()
    return db.session.scalars(sa.select(JobState).where(JobState.name == "daily")).one()


def at_once(app: Flask, number: int, act: Callable[[], T]) -> list[T]:
    """What `act` gives to each of several threads that begin it at the same time."""
    got: list[T] = []
    barrier = threading.Barrier(number)

    def one() -> None:
        with app.app_context():
            db.session.execute(sa.text("SELECT 1"))  # connected before the start
            db.session.remove()
            barrier.wait()
            got.append(act())

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == number
    return got
