"""Connections to providers: opened by urllib3, kept while the provider keeps them, used by one call at a time.

urllib3 knows how to reach a place: names, addresses, TLS, certificates. What its pool and its response do for each call beside
that (retries, redirects, proxies, decoding) is of no use to a relay of bytes, and is felt in each request (docs/adr/0016).
"""

import _socket
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection as PlainConnection
from typing import Any, cast

from urllib3.connection import HTTPConnection, HTTPSConnection

from chat.kernel.sockets import peek, send_all
from chat.providers.arrivals import ArrivingResponse

_MOST_KEPT = 1024
# A longer body is sent by itself: to put it together with its head would copy it.
_SHORT = 16384


class Connection(HTTPConnection):
    """A connection that knows whose call it carries, and that another thread may shut for that call and no other.

    A kept connection may have moved on to the next person's call by the time the first one's reader leaves.
    """

    response_class = ArrivingResponse
    # urllib3's also looks in each for a sign of its own.
    putheader = PlainConnection.putheader

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = threading.Lock()
        self._call: object | None = None
        self._head = b""
        # `sock` is taken away as soon as the provider says that it will close after this answer, which then still arrives.
        self._carrier: socket.socket | None = None

    @property
    def is_connected(self) -> bool:
        """Whether it can be used again: it is open, and nothing came unasked. To poll for that is slow in gevent."""
        return self.sock is not None and peek(self.sock) is None

    def open(self, seconds: float) -> None:
        """Connect, and wait no longer than that. Raises what urllib3 raises."""
        self.timeout = seconds
        self.connect()

    def carry(self, call: object) -> None:
        """Be the connection of `call` from now on."""
        with self._lock:
            self._call = call
            self._carrier = self.sock

    def ask(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Send a request. The provider may take as long to read on as it may to be reached."""
        self._head = b""
        self.sock.settimeout(self.timeout)  # the call before had times of its own
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why before it closed
            PlainConnection.request(self, "POST", path, body, headers)

    def answer(self, seconds: float) -> ArrivingResponse:
        """Return the head of the answer, and what follows it as it arrives; wait no longer than that for the next bytes."""
        self.sock.settimeout(seconds)
        return cast(ArrivingResponse, PlainConnection.getresponse(self))

    def send(self, data: Any) -> None:
        """Send a request's head together with its body, unless that is so long that putting them together costs more."""
        if not self._head:
            self._head = data
            return
        head, self._head = self._head, b""
        if len(data) > _SHORT:
            send_all(self.sock, head)
        else:
            data = head + data
        send_all(self.sock, data)

    def allow(self, call: object, seconds: float) -> None:
        """Set how long `call` waits for bytes, if the connection still carries it."""
        with self._lock:
            if self._call is call and self._carrier is not None:
                self._carrier.settimeout(seconds)

    def shut(self, call: object) -> None:
        """End it under whoever reads from it, if it still carries `call`."""
        with self._lock:
            if self._call is not call or self._carrier is None:
                return
            # The plain call of the system, not the one of ssl or gevent: those change the state of the object under the
            # thread that reads from it. gevent keeps the system's socket in `_sock`.
            raw = getattr(self._carrier, "_sock", self._carrier)
            if not isinstance(raw, _socket.socket):
                return  # gevent's stand-in for one that is closed already
            try:
                _socket.socket.shutdown(raw, socket.SHUT_RDWR)
            except OSError:
                return  # the other side was faster


class SecureConnection(Connection, HTTPSConnection):
    """The same through TLS."""


class Pool:
    """The connections to one place. A pool that is forgotten closes those that are free."""

    def __init__(self, scheme: str, host: str, port: int | None, trust: Callable[[], ssl.SSLContext]) -> None:
        self._is_secure = scheme == "https"
        self._host = host
        self._port = port or (443 if self._is_secure else 80)
        self._trust = trust
        self._free: list[Connection] = []
        weakref.finalize(self, _close, self._free)

    def take(self) -> Connection:
        """Return a connection that is open and free, the one that was used last, or else a new one that is not open yet."""
        while True:
            try:
                connection = self._free.pop()
            except IndexError:
                return self._new()
            if connection.is_connected:
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        if connection.sock is not None and len(self._free) < _MOST_KEPT:
            self._free.append(connection)
        else:
            connection.close()

    def _new(self) -> Connection:
        if self._is_secure:
            return SecureConnection(self._host, self._port, ssl_context=self._trust())
        return Connection(self._host, self._port)


def _close(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()
