"""One writer for many requests: what comes while a transaction is being committed goes together into the next one.

A commit costs more than the few rows of a request. Whoever must know that it is written waits for the commit; whoever only
reports does not. An act is a function of the connection that may be run twice: if a shared transaction fails, each act is
tried again by itself, so that one bad row spoils nobody else's. Work is such a function that takes what many bring.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from chat.kernel.forks import process_id

T = TypeVar("T")
Item = TypeVar("Item")
Act = Callable[[sa.Connection], T]
# For each item, in their order, what whoever brought it gets.
Work = Callable[[sa.Connection, Sequence[Item]], Sequence[T]]

log = logging.getLogger("chat.metering")

_MOST_TOGETHER = 256
_TRIES = 8
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_END_SECONDS = 10.0
_LINGER_SECONDS = 0.005


@dataclass(slots=True)
class _Task(Generic[T]):
    work: Work[Any, T]
    item: Any
    waits: bool
    done: threading.Event = field(default_factory=threading.Event)
    value: T | None = None
    failure: Exception | None = None
    tries: int = 0


class Clerk:
    """Does acts in order of arrival, in shared transactions, in a thread of its own that starts with the first act.

    What nobody waits for stays for `linger` seconds: whoever comes next takes it along, and it costs no commit of its own.
    """

    def __init__(self, engine: sa.Engine, *, linger: float = _LINGER_SECONDS) -> None:
        self._engine = engine
        self._linger_seconds = linger
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._waiting: list[_Task[Any]] = []
        self._owner = 0
        self._closing = False
        # What does not have to be written down a second time. It was committed when it is in here.
        self.noted: set[str] = set()

    def do(self, act: Act[T]) -> T:
        """Return what `act` returned, once that is committed. Raises what it raised."""
        return self.do_together(_each, act)

    def do_together(self, work: Work[Item, T], item: Item) -> T:
        """The same for one item of `work`, which is done for all that was brought by the time of its transaction."""
        task: _Task[T] = _Task(work, item, waits=True)
        self._add(task)
        task.done.wait()
        if task.failure is not None:
            raise task.failure
        return task.value  # type: ignore[return-value]  # set whenever there is no failure

    def post(self, act: Act[object]) -> None:
        """Let `act` be done soon. While the database cannot be reached it waits, and is tried again."""
        self.post_together(_each, act)

    def post_together(self, work: Work[Item, Any], item: Item) -> None:
        """The same for one item of `work`."""
        self._add(_Task(work, item, waits=False))

    def flush(self, seconds: float = _END_SECONDS) -> bool:
        """Wait until everything so far is written; return whether it is."""
        by = time.monotonic() + seconds
        while time.monotonic() < by:
            with self._lock:
                if not self._waiting and self._idle.is_set():
                    return True
            self._bell.set()
            time.sleep(0.005)
        return False

    def _add(self, task: _Task[Any]) -> None:
        with self._lock:
            self._waiting.append(task)
            self._idle.clear()
            if self._owner != process_id():  # the first act, or the first one after a fork, which took no thread along
                self._owner = process_id()
                threading.Thread(target=self._run, name="clerk", daemon=True).start()
                atexit.register(self.flush)
        self._bell.set()

    def _run(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            self._linger()
            while batch := self._next():
                self._write(batch)
                self._linger()

    def _linger(self) -> None:
        until = time.monotonic() + self._linger_seconds
        while self._waiting and not any(task.waits for task in self._waiting) and (left := until - time.monotonic()) > 0:
            self._bell.wait(left)
            self._bell.clear()

    def _next(self) -> list[_Task[Any]]:
        with self._lock:
            batch, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            if not batch:
                self._idle.set()
            return batch

    def _write(self, batch: list[_Task[Any]]) -> None:
        try:
            with self._engine.begin() as connection:
                for work, tasks in _by_work(batch).items():
                    for task, value in zip(tasks, work(connection, [one.item for one in tasks]), strict=True):
                        task.value = value
        except Exception as failure:  # noqa: BLE001  # it reaches whoever waits, or the log
            if len(batch) > 1:
                for task in batch:
                    self._write([task])
            else:
                self._failed(batch[0], failure)
            return
        for task in batch:
            task.done.set()

    def _failed(self, task: _Task[Any], failure: Exception) -> None:
        if task.waits:
            task.failure = failure
            task.done.set()
            return
        task.tries += 1
        if task.tries >= _TRIES or not isinstance(failure, sa.exc.DBAPIError):
            log.error("usage could not be written", extra={"code": type(failure).__name__, "attempt": task.tries})
            return
        pause = min(_FIRST_PAUSE * 2**task.tries, _LONGEST_PAUSE)
        threading.Timer(pause, self._add, [task]).start()


def _each(connection: sa.Connection, acts: Sequence[Act[T]]) -> list[T]:
    return [act(connection) for act in acts]


def _by_work(batch: Sequence[_Task[Any]]) -> dict[Work[Any, Any], list[_Task[Any]]]:
    groups: dict[Work[Any, Any], list[_Task[Any]]] = {}
    for task in batch:
        groups.setdefault(task.work, []).append(task)
    return groups
