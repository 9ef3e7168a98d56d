"""Whoever runs jobs: a thread in one serving process of each machine, or `flask jobs worker`.

On one machine a lock decides who looks at all; between machines, and beside a worker, the rows do (`turns`).
"""

import fcntl
import logging
import threading
from pathlib import Path
from typing import IO

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from chat.jobs import turns
from chat.jobs.work import carry_out
from chat.kernel import clock
from chat.kernel.feature import current_jobs

log = logging.getLogger("chat.jobs")

# How soon a kick of another process is noticed, at the latest. Looking costs one small query.
_NAP_SECONDS = 1.0
_LONGEST_NAP_SECONDS = 30.0
_TAKE_OVER_SECONDS = 2.0
_EXTENSION = "candor_jobs"


class Runner:
    """Runs what is due, one job after the other, until it is stopped."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._leading = False
        self._enrolled = False
        self._stopping = threading.Event()
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_leading(self) -> bool:
        """Whether it is this one of the machine's processes that looks for jobs."""
        return self._leading

    def start(self, *, beside_others: bool = False) -> None:
        """Run jobs in a thread from now on; unless `beside_others`, only while no other process of this machine does."""
        self._thread = threading.Thread(target=self._run, args=(beside_others,), name="jobs", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until it was stopped."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Let the job that runs finish, and give the lock to whoever waits for it."""
        self._stopping.set()
        self._bell.set()
        self.join()

    def kick(self, name: str) -> None:
        """Let the job run at once, wherever jobs are run. Without the database it waits for its own turn, and nobody fails."""
        try:
            turns.kick(name, clock.now())
        except SQLAlchemyError as failure:
            log.warning("a job could not be asked for", extra={"job": name, "code": type(failure).__name__})
        self._bell.set()

    def _run(self, beside_others: bool) -> None:
        folder = Path(self._app.instance_path)
        lead = take_lead(folder)
        # Asked again and again: a lock that blocks would stop all of gevent's loop.
        while lead is None and not beside_others and not self._stopping.wait(_TAKE_OVER_SECONDS):
            lead = take_lead(folder)
        try:
            self._leading = lead is not None
            self._look_until_stopped()
        finally:
            self._leading = False
            if lead is not None:
                lead.close()

    def _look_until_stopped(self) -> None:
        nap = _NAP_SECONDS
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                with self._app.app_context():
                    self._look()
                nap = _NAP_SECONDS
            except Exception as failure:
                # Whatever it was: a thread that ended here would be a site that forgets to delete.
                log.exception("the jobs' table cannot be used", extra={"code": type(failure).__name__})
                nap = min(nap * 2, _LONGEST_NAP_SECONDS)
            self._bell.wait(nap)

    def _look(self) -> None:
        jobs = {job.name: job for job in current_jobs()}
        if not self._enrolled:
            turns.enrol(jobs.values(), clock.now())
            self._enrolled = True
        for name in turns.list_due(clock.now()):
            if name not in jobs or self._stopping.is_set():
                continue  # a row that an older version left, or no time to begin anything
            turn = turns.claim(jobs[name], clock.now())
            if turn is not None:
                carry_out(turn)


def mount_runner(app: Flask) -> Runner:
    """Give the application its runner. It does nothing before it is started."""
    runner = Runner(app)
    app.extensions[_EXTENSION] = runner
    return runner


def runner_of(app: Flask) -> Runner:
    runner: Runner = app.extensions[_EXTENSION]
    return runner


def take_lead(folder: Path) -> IO[str] | None:
    """Return the machine's lock, held until it is closed or this process ends; None if another process holds it."""
    file = (folder / "jobs.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
