"""Jobs run when they are due, when they are asked for, and in one process of the machine."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from chat.accounts import mail, outbox
from chat.jobs.consumer import Standby
from chat.jobs.queue import queue_of
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.feature import Feature, Job, mount_features
from chat.kernel.kicks import kick
from tests.conftest import MakeApp

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Start = Callable[[Flask], Standby]


def test_a_job_that_is_asked_for_runs_within_a_second(app: Flask, start: Start) -> None:
    ran = jobs_of(app, "quick", every=timedelta(days=1))
    start(app)
    assert soon(lambda: len(ran) == 1)  # its first turn

    kick("quick")

    assert soon(lambda: len(ran) == 2, seconds=1)


def test_mail_leaves_right_after_the_commit(mail_jobs: list[str], app: Flask, start: Start) -> None:
    start(app)
    assert soon(lambda: len(mail_jobs) == 1)

    write_mail()
    before = len(mail_jobs)
    db.session.commit()

    assert before == 1
    assert soon(lambda: len(mail_jobs) == 2, seconds=1)


def test_a_daily_job_runs_once_a_day_however_often_the_site_starts(app: Flask, start: Start) -> None:
    ran = jobs_of(app, "daily", every=timedelta(days=1))

    for _one in range(3):
        started = start(app)
        assert soon(lambda: len(ran) == 1)
        time.sleep(0.7)
        started.stop()

    assert len(ran) == 1


def test_a_job_that_fails_stops_no_other(app: Flask, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    def fail() -> int:
        raise RuntimeError("alice@example.org")

    day = timedelta(days=1)
    jobs = (Job(name="bad", run=fail, every=day), Job(name="good", run=lambda: ran.append("good") or 1, every=day))
    mount_features(app, (Feature(name="test", jobs=jobs),))
    start(app)

    assert soon(lambda: ran == ["good"])
    assert ("chat.jobs", logging.ERROR, "a job failed") in caplog.record_tuples
    assert "alice" not in caplog.text


def test_one_process_leads_and_another_takes_over(make_app: MakeApp, start: Start) -> None:
    app = make_app()
    jobs_of(app, "quick", every=timedelta(days=1))
    first, second = start(app), start(app)
    before = (first.is_leading, second.is_leading)

    first.stop()

    assert before == (True, False)
    assert soon(lambda: second.is_leading, seconds=4)


def test_a_row_of_the_queue_holds_the_name_of_a_job_and_no_more(app: Flask, tmp_path: Path) -> None:
    write_mail()
    db.session.commit()

    (row,) = rows(tmp_path)

    assert b"mail.send" in row
    assert b"alice" not in row
    assert len(row) < 300


def test_a_row_that_somebody_else_wrote_is_not_run(app: Flask, tmp_path: Path, start: Start) -> None:
    ran = jobs_of(app, "quick", every=timedelta(days=1))
    queue_of(app).kick("quick")
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as connection, connection:
        connection.execute("UPDATE task SET data = CAST(substr(data, 1, length(data) - 4) || x'30303030' AS BLOB)")

    start(app)

    assert soon(lambda: len(ran) == 1)  # its own turn; the forged row is dropped
    time.sleep(0.5)
    assert len(ran) == 1


def test_a_queue_that_is_down_costs_no_page(make_app: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    make_app(redis_url="redis://127.0.0.1:1/0")

    kick("mail.send")

    assert "the queue is unreachable" in capsys.readouterr().err


def test_the_queue_works_on_redis(make_app: MakeApp, valkey: str, start: Start) -> None:
    app = make_app(redis_url=valkey)
    ran = jobs_of(app, "quick", every=timedelta(days=1))
    start(app)
    assert soon(lambda: len(ran) == 1)

    kick("quick")

    assert soon(lambda: len(ran) == 2, seconds=1)


def test_a_job_is_run_by_name_from_the_command_line(app: Flask) -> None:
    ran = jobs_of(app, "quick", every=timedelta(days=1))
    runner = app.test_cli_runner()

    known, unknown = (runner.invoke(args=["jobs", "run", name]) for name in ("quick", "slow"))

    assert (known.output, len(ran)) == ("quick: 1 done.\n", 1)
    assert unknown.exit_code == 2
    assert "there are quick" in unknown.output


@pytest.fixture
def start() -> Iterator[Start]:
    """Work an app's queue off until the test ends."""
    started: list[Standby] = []

    def starting(app: Flask) -> Standby:
        standby = Standby(app)
        standby.start()
        started.append(standby)
        return standby

    yield starting
    for one in started:
        one.stop()


@pytest.fixture
def mail_jobs(app: Flask) -> list[str]:
    return jobs_of(app, "mail.send", every=timedelta(days=1))


def jobs_of(app: Flask, name: str, *, every: timedelta) -> list[str]:
    """Let the app have one job, and return a list that grows with each run of it."""
    ran: list[str] = []

    def run() -> int:
        ran.append(name)
        return 1

    mount_features(app, (Feature(name="test", jobs=(Job(name=name, run=run, every=every),)),))
    return ran


def soon(holds: Callable[[], bool], *, seconds: float = 3) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def write_mail() -> None:
    letter = outbox.Letter("alice@example.org", "Hello", "text")
    outbox.write(mail.outbox_key(), letter, account_id=None, now=clock.now())


def rows(folder: Path) -> list[bytes]:
    with closing(sqlite3.connect(folder / "jobs.sqlite")) as connection:
        return [bytes(row[0]) for row in connection.execute("SELECT data FROM task")]
