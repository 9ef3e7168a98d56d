"""Whoever works the queue off: a thread in one serving process of each machine, or `flask jobs worker`.

One at a time decides whose turn it is: the process that holds the lock. When it goes, another one takes over.
"""

import fcntl
import threading
import time
from pathlib import Path
from typing import IO, Any

from flask import Flask
from huey.consumer import Consumer

from chat.jobs.queue import queue_of

# How soon a kick is noticed, at the latest. Looking costs one read of a small file.
_LONGEST_NAP = 0.5
_TAKE_OVER_SECONDS = 2


class ThreadedConsumer(Consumer):  # type: ignore[misc]  # Huey carries no types
    """Huey's consumer as a guest: signals belong to the server around it."""

    def _set_signal_handlers(self) -> None:
        pass


class Standby:
    """Waits for the machine's lock, then works the queue off until it is stopped."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock: IO[str] | None = None
        self._consumer: ThreadedConsumer | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="jobs", daemon=True)

    @property
    def is_leading(self) -> bool:
        return self._consumer is not None

    def start(self) -> None:
        if not self._lead():
            self._thread.start()

    def stop(self) -> None:
        """Let the job that runs finish, and give the lock to whoever waits for it."""
        self._stopping.set()
        if self._consumer is not None:
            self._consumer.stop(graceful=True)
            self._consumer = None
        if self._lock is not None:
            self._lock.close()

    def _wait(self) -> None:
        # Asked again and again: a lock that blocks would stop all of gevent's loop.
        while not self._stopping.is_set() and not self._lead():
            time.sleep(_TAKE_OVER_SECONDS)

    def _lead(self) -> bool:
        self._lock = take_lead(Path(self._app.instance_path))
        if self._lock is None:
            return False
        self._consumer = ThreadedConsumer(queue_of(self._app).huey, **options(periodic=True))
        self._consumer.start()
        return True


def start_in_process(app: Flask) -> Standby:
    """Work the queue off beside serving, unless another process of this machine does. Call it once a serving process."""
    standby = Standby(app)
    standby.start()
    return standby


def run_worker(app: Flask) -> None:
    """Work the queue off until a signal comes. Several may run; one of a machine also decides whose turn it is."""
    lock = take_lead(Path(app.instance_path))
    try:
        Consumer(queue_of(app).huey, **options(periodic=lock is not None)).run()
    finally:
        if lock is not None:
            lock.close()


def take_lead(folder: Path) -> IO[str] | None:
    """Return the machine's lock, held until it is closed or this process ends; None if another process holds it."""
    file = (folder / "jobs.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def options(*, periodic: bool) -> dict[str, Any]:
    return {"workers": 1, "periodic": periodic, "max_delay": _LONGEST_NAP, "check_worker_health": False}
