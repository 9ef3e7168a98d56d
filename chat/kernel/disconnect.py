"""Noticing that the reader left, also while there is nothing to write: one watcher a process looks at every client socket.

WSGI tells of a closed connection only when a write fails. A model that thinks for a minute would go on being asked, and
paid, for nobody. The watcher peeks at the sockets four times a second; the streams themselves pay nothing for it.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chat.kernel.sockets import peek

_SECONDS = 0.25


class Watcher:
    """Calls back once when a watched socket was closed by its other end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, tuple[socket.socket, Callable[[], None]]] = {}
        self._next = 0
        self._is_running = False

    @contextmanager
    def watching(self, client: socket.socket | None, left: Callable[[], None]) -> Iterator[None]:
        """Call `left` if the client goes away before the block ends. Where the server names no socket, nothing is watched."""
        if client is None:
            yield
            return
        with self._lock:
            self._next += 1
            number = self._next
            self._watched[number] = (client, left)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._watch, name="candor-disconnects", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._watched.pop(number, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_SECONDS)
            with self._lock:
                if not self._watched:
                    self._is_running = False
                    return
                watched = list(self._watched.items())
            for number, (client, left) in watched:
                if peek(client) == b"":
                    with self._lock:
                        self._watched.pop(number, None)
                    left()


watcher = Watcher()


def client_socket(environ: dict[str, Any]) -> socket.socket | None:
    """Return the socket of this request where the server tells it: Werkzeug and gunicorn do."""
    found = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    return found if hasattr(found, "recv") else None
