"""Jobs run when they are due, when they are asked for, and in one process of the machine."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts import mail, outbox
from chat.factory import create_app
from chat.jobs import turns
from chat.jobs.models import JobState
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.feature import Job
from chat.kernel.kicks import kick
from tests.conftest import settings_for_tests
from tests.jobs.conftest import DAY, Start, jobs_of, mount, soon


def test_a_kick_of_the_same_process_wakes_the_runner_at_once(app: Flask, start: Start) -> None:
    ran = jobs_of(app, "quick")
    start(app)
    assert soon(lambda: len(ran) == 1)  # its first turn
    time.sleep(0.2)

    kick("quick")

    assert soon(lambda: len(ran) == 2, seconds=0.5)


def test_a_kick_of_another_process_is_noticed_within_a_second(app: Flask, start: Start) -> None:
    ran = jobs_of(app, "quick")
    start(app, another=True)
    assert soon(lambda: len(ran) == 1)
    time.sleep(0.2)

    kick("quick")

    assert soon(lambda: len(ran) == 2, seconds=1.3)


def test_mail_leaves_after_the_commit_and_not_before(app: Flask, start: Start) -> None:
    ran = jobs_of(app, "mail.send")
    start(app)
    assert soon(lambda: len(ran) == 1)

    for finish in (db.session.rollback, db.session.commit):
        outbox.write(mail.outbox_key(), outbox.Letter("alice@example.org", "Hi", "text"), account_id=None, now=clock.now())
        finish()
        time.sleep(0.3)

    assert len(ran) == 2


def test_a_daily_job_runs_once_a_day_however_often_the_site_starts(app: Flask, start: Start) -> None:
    ran = jobs_of(app, "daily")

    for _one in range(3):
        started = start(app, another=True)
        assert soon(lambda: len(ran) == 1)
        time.sleep(0.2)
        started.stop()

    assert len(ran) == 1


def test_a_job_runs_on_one_of_several_machines(app: Flask, database: str, start: Start, tmp_path: Path) -> None:
    ran = jobs_of(app, "quick")
    other = create_app(settings_for_tests(tmp_path / "other", database_url=database))
    there = jobs_of(other, "quick")
    start(app)
    start(other)
    assert soon(lambda: len(ran + there) == 1)

    for turn in range(2, 12):
        kick("quick")
        assert soon(lambda turn=turn: len(ran + there) == turn)
    time.sleep(1.2)

    assert len(ran + there) == 11
    with other.app_context():
        db.engine.dispose()


def test_a_job_that_fails_stops_no_other_and_does_not_spin(app: Flask, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    def fail() -> int:
        ran.append("bad")
        raise RuntimeError("alice@example.org")

    mount(app, Job(name="bad", run=fail, every=DAY), Job(name="good", run=lambda: ran.append("good") or 1, every=DAY))
    start(app)

    assert soon(lambda: sorted(ran) == ["bad", "good"])
    assert soon(lambda: states() == {"bad": (True, 1), "good": (False, 0)})
    kick("bad")
    time.sleep(0.3)
    assert sorted(ran) == ["bad", "good"]
    assert ("chat.jobs", logging.ERROR, "a job failed") in caplog.record_tuples
    assert "alice" not in caplog.text


def test_one_process_leads_and_another_takes_over(app: Flask, start: Start) -> None:
    jobs_of(app, "quick")
    first = start(app)
    assert soon(lambda: first.is_leading)
    second = start(app, another=True)
    time.sleep(0.3)
    before = (first.is_leading, second.is_leading)

    first.stop()

    assert before == (True, False)
    assert soon(lambda: second.is_leading, seconds=4)


def test_a_database_that_is_away_costs_no_page_and_no_runner(
    app: Flask, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    ran = jobs_of(app, "quick")
    start(app)
    # In this order: before the job runs its state is the same as after.
    assert soon(lambda: len(ran) == 1 and states() == {"quick": (False, 0)})

    with table_away():
        kick("quick")
        assert soon(lambda: "the jobs' table cannot be used" in caplog.messages)
    kick("quick")

    assert soon(lambda: len(ran) == 2)


def test_a_kick_that_cannot_be_written_is_told_by_its_code(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with table_away():
        kick("mail.send")

    (line,) = [record for record in caplog.records if record.msg == "a job could not be asked for"]
    assert vars(line)["job"] == "mail.send"
    assert vars(line)["code"] in ("OperationalError", "ProgrammingError")


def test_a_row_that_no_job_belongs_to_is_left_alone(app: Flask, start: Start) -> None:
    turns.enrol([Job(name="gone", run=lambda: 1, every=DAY)], clock.now())
    ran = jobs_of(app, "quick")

    start(app)

    assert soon(lambda: len(ran) == 1)
    assert states()["gone"] == (False, 0)


def test_a_job_is_run_by_name_from_the_command_line(app: Flask) -> None:
    ran = jobs_of(app, "quick")
    runner = app.test_cli_runner()

    again = [runner.invoke(args=["jobs", "run", "quick"]) for _ in range(2)]
    unknown = runner.invoke(args=["jobs", "run", "slow"])

    assert ([one.output for one in again], len(ran)) == (["quick: 1 done.\n"] * 2, 2)
    assert states() == {"quick": (False, 0)}
    assert unknown.exit_code == 2
    assert "there are quick" in unknown.output


def test_a_job_that_fails_on_the_command_line_says_so(app: Flask) -> None:
    mount(app, Job(name="bad", run=lambda: 1 // 0, every=DAY))

    failed = app.test_cli_runner().invoke(args=["jobs", "run", "bad"])

    assert failed.exit_code == 1
    assert "Error: bad failed" in failed.output
    assert states() == {"bad": (True, 1)}


def states() -> dict[str, tuple[bool, int]]:
    """Of each job, whether its last run failed and how many were begun since one went well."""
    with db.engine.connect() as connection:  # no session, which would keep its locks and its view of the table
        rows = connection.execute(sa.select(JobState.name, JobState.failed, JobState.attempts))
        return {name: (failed, attempts) for name, failed, attempts in rows}


@contextmanager
def table_away() -> Iterator[None]:
    with db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE job_state RENAME TO away"))
    yield
    with db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO job_state"))
