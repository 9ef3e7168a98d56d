"""The requests of programs that this process has under way, told to the database while they are.

What a process leaves behind when it dies is known by that from what merely takes long: its reservation is not said to be
alive any more. A request that lasts hours keeps its reservation, and one whose process was killed loses it within minutes.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from chat.kernel import clock
from chat.kernel.forks import process_id
from chat.metering.budgets import say_alive

BEAT_SECONDS = 10.0
# Six beats: a machine may be busy, and a database away for a moment.
DEAD_AFTER = timedelta(seconds=60)


class Pulse:
    """Says of what is under way that it is alive, in a thread that lives while anything is.

    `post` writes soon what it is handed, like `Clerk.post`.
    """

    def __init__(self, post: Callable[[Callable[[sa.Connection], object]], None]) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._owner = 0

    def begin(self, public_id: str) -> None:
        """Keep this reservation alive from now on."""
        with self._lock:
            self._began[public_id] = time.monotonic()
            if self._owner != process_id():  # the first one, or the first after a fork, which took no thread along
                self._owner = process_id()
                threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def end(self, public_id: str) -> None:
        """Leave it to whoever settles it."""
        with self._lock:
            self._began.pop(public_id, None)

    def _run(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            with self._lock:
                if not self._began:
                    self._owner = 0
                    return
                before = time.monotonic() - BEAT_SECONDS
                old = [public_id for public_id, began in self._began.items() if began <= before]
            if old:
                self._post(lambda connection, ids=old: say_alive(connection, ids, clock.now()))  # type: ignore[misc]
