"""What is still being answered when the server ends: streams are given time, and those that need more end with a word.

The server's own configuration tells when the time is nearly up (gunicorn.conf.py); nothing here knows a signal or a server.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Closing:
    """The streams of this process that are under way, each with what ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._has_begun = False

    @property
    def has_begun(self) -> bool:
        """Whether streams are being ended: what breaks off now breaks off because the server ends."""
        return self._has_begun

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Call `end`, once, if the time is up before the block ends; at once if it was up before."""
        with self._lock:
            self._next += 1
            number = self._next
            self._ends[number] = end
            is_late = self._has_begun
        if is_late:
            end()
        try:
            yield
        finally:
            with self._lock:
                self._ends.pop(number, None)

    def end_streams(self) -> int:
        """End every stream that is still under way, and return how many there were."""
        with self._lock:
            self._has_begun = True
            ends = list(self._ends.values())
        for end in ends:
            end()
        return len(ends)


closing = Closing()
