"""Doing one job, once its turn is taken. Which jobs there are, the mounted features say."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from chat.jobs import turns
from chat.jobs.turns import Turn
from chat.kernel import clock
from chat.kernel.errors import NotFound
from chat.kernel.feature import Job, current_jobs

log = logging.getLogger("chat.jobs")

# A sign of life this often. Some may fail before another process takes the job for lost.
_KEEP_SECONDS = 10.0


def get_job(name: str) -> Job:
    """Return the job of this name. Raises NotFound with the names that there are."""
    for job in current_jobs():
        if job.name == name:
            return job
    raise NotFound(f"There is no job {name!r}; there are {', '.join(sorted(job.name for job in current_jobs()))}.")


def run_now(job: Job) -> int | None:
    """Run the job at once, whether it is due or not. Return how many things it did, or None if it failed."""
    turns.enrol([job], clock.now())
    turn = turns.seize(job, clock.now())
    return _do(job) if turn is None else carry_out(turn)


def carry_out(turn: Turn, *, keep_seconds: float = _KEEP_SECONDS) -> int | None:
    """Run the job and write down how it went. Return how many things it did, or None if it failed."""
    count = None
    try:
        with _kept(turn, keep_seconds):
            count = _do(turn.job)
        return count
    finally:
        turns.end(turn, clock.now(), count)


def _do(job: Job) -> int | None:
    started = clock.monotonic()
    try:
        # A context of its own: its session ends with it, whatever state the job left it in.
        with current_app.app_context():
            count = job.run()
    except Exception:
        log.exception("a job failed", extra={"job": job.name})
        return None
    if count:
        spent = round((clock.monotonic() - started) * 1000, 1)
        log.info("a job is done", extra={"job": job.name, "count": count, "ms": spent})
    return count


@contextmanager
def _kept(turn: Turn, seconds: float) -> Iterator[None]:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  # how a LocalProxy is opened
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(app, turn, over, seconds), name="jobs-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(app: Flask, turn: Turn, over: threading.Event, seconds: float) -> None:
    with app.app_context():
        while not over.wait(seconds):
            try:
                turns.keep(turn, clock.now())
            except SQLAlchemyError as failure:
                code = type(failure).__name__
                log.warning("a running job could not give a sign of life", extra={"job": turn.job.name, "code": code})
