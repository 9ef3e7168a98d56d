"""Whose turn it is. A row of `job_state` decides for every process and machine that shares the database.

Each function is one short transaction on a connection of its own: a claim must be seen everywhere before the job begins, and a
kick comes when its caller's transaction has just ended.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from chat.jobs.models import JobState
from chat.kernel.db import db
from chat.kernel.feature import Job

# How long a job stays with a process that gives no sign of life, and how long the first failure is waited out.
_SHORTEST_WAIT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Turn:
    """A run of a job that this process alone may do now."""

    job: Job
    started_at: datetime
    attempt: int


def enrol(jobs: Collection[Job], now: datetime) -> None:
    """Give each new job a row, due at once unless it says otherwise.

    A known one whose next turn lies further off than `every` gets a nearer turn.
    """
    with db.engine.connect() as connection:
        known = set(connection.scalars(sa.select(JobState.name)))
    for job in jobs:
        if job.name in known:
            _bring_nearer(job, now)
        else:
            _add(job, now)


def kick(name: str, now: datetime) -> None:
    """Let the job run before its turn. One that has no row yet is due anyway, as soon as somebody runs jobs."""
    with db.engine.begin() as connection:
        connection.execute(sa.update(JobState).where(JobState.name == name).values(kicked_at=now))


def list_due(now: datetime) -> list[str]:
    """Return the names of the jobs that may begin now, the longest due first."""
    with db.engine.connect() as connection:
        return list(connection.scalars(sa.select(JobState.name).where(_is_due(now)).order_by(JobState.due_at)))


def claim(job: Job, now: datetime) -> Turn | None:
    """Return the turn if the job is still due; then nobody else gets it."""
    return _begin(job, now, _is_due(now))


def seize(job: Job, now: datetime) -> Turn | None:
    """Return a turn whether the job is due or not. None when somebody began it at this very moment."""
    return _begin(job, now, sa.true())


def keep(turn: Turn, now: datetime) -> None:
    """Say that the job still runs."""
    with db.engine.begin() as connection:
        connection.execute(_row_of(turn).values(due_at=now + _wait(turn.job, turn.attempt)))


def end(turn: Turn, now: datetime, count: int | None) -> None:
    """Write down how the run went: how many things it did, or None if it failed. Its next turn follows from that."""
    values: dict[str, object] = {"ended_at": now, "failed": count is None, "count": count or 0}
    if count is None:
        values["due_at"] = now + _wait(turn.job, turn.attempt)
    else:
        values |= {"due_at": turn.started_at + turn.job.every, "attempts": 0}
    with db.engine.begin() as connection:
        connection.execute(_row_of(turn).values(values))


def _begin(job: Job, now: datetime, condition: sa.ColumnElement[bool]) -> Turn | None:
    with db.engine.begin() as connection:
        attempts = connection.scalar(sa.select(JobState.attempts).where(JobState.name == job.name, condition))
        if attempts is None:
            return None
        turn = Turn(job, now, attempts + 1)
        # Whoever comes second waits for the first one's commit, finds the condition false, and changes no row.
        taken = connection.execute(
            sa.update(JobState)
            .where(JobState.name == job.name, JobState.attempts == attempts, condition)
            .values(started_at=now, due_at=now + _wait(job, turn.attempt), kicked_at=None, attempts=turn.attempt)
        )
        return turn if taken.rowcount else None


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    # A kick waits for a run that is under way, which may have looked too early, and does not hurry a job that fails.
    return (JobState.due_at <= now) | (JobState.kicked_at.is_not(None) & (JobState.attempts == 0))


def _wait(job: Job, attempt: int) -> timedelta:
    """Twice as long with each attempt that did not go well, up to the job's own rhythm."""
    doubled: timedelta = _SHORTEST_WAIT * 2 ** min(attempt - 1, 20)
    return max(_SHORTEST_WAIT, min(doubled, job.every))


def _row_of(turn: Turn) -> sa.Update:
    # If the turn was lost to another process meanwhile, the row tells of that one's run.
    return sa.update(JobState).where(JobState.name == turn.job.name, JobState.started_at == turn.started_at)


def _add(job: Job, now: datetime) -> None:
    # Another process may be faster; then its row is as good as ours.
    with suppress(IntegrityError), db.engine.begin() as connection:
        connection.execute(sa.insert(JobState).values(name=job.name, due_at=now + job.after))


def _bring_nearer(job: Job, now: datetime) -> None:
    # The rhythm has changed with a version, or a clock was wrong for a while: no job may wait years for its turn.
    latest = now + max(job.every, _SHORTEST_WAIT)
    with db.engine.begin() as connection:
        connection.execute(sa.update(JobState).where(JobState.name == job.name, JobState.due_at > latest).values(due_at=latest))
