"""How a provider is reached: one urllib3 pool, our time-outs, our retries, and a socket that any thread can shut.

The SDKs' own pool looks through all its connections on each request and collapses under many streams; urllib3's does not.
Nothing is logged, no proxy is read from the environment, no cookie is kept, and no upstream body leaves as an error.
"""

import _socket
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, lru_cache
from http.client import HTTPException
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse

from chat.kernel.sockets import peek, send_all
from chat.providers.arrivals import ArrivingResponse
from chat.providers.base import Cancel, ProviderProblem
from chat.providers.letterhead import Letterhead
from chat.providers.problems import Failure, failure_of_status, problem

# Their lines say which host was asked and when, for each message that anyone sends.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_POOLS = 64
_POOL_SIZE = 1024
_READ_SIZE = 16384
_ERROR_BODY = 65536
_ERROR_BODY_SECONDS = 2.0
_END_SECONDS = 0.1
_RETRIES = 2
_FIRST_PAUSE = 0.4
_LONGEST_PAUSE = 5.0
_RETRIED_STATUSES = (429, 502, 503, 529)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to connect, to the first byte of the answer, and from one byte to the next."""

    connect: float = 5.0
    first_byte: float = 120.0
    idle: float = 60.0


class Exchange:
    """One call of one provider: its connection, its answer's bytes, and what went wrong."""

    def __init__(self, cancel: Cancel, deadlines: Deadlines) -> None:
        self.cancel = cancel
        self.deadlines = deadlines
        self.failure: Failure | None = None
        self.is_fresh = False  # whether the connection was opened for this call
        self._connection: _Connection | None = None
        self._response: BaseHTTPResponse | None = None
        self._arriving: ArrivingResponse | None = None
        self._ended = False
        self._first_byte_by = 0.0
        self._stopped = threading.Event()
        cancel.on_set(self._stop)

    def begin(self) -> None:
        """Count the time to the first byte from here."""
        self.is_fresh = False
        self._first_byte_by = time.monotonic() + self.deadlines.first_byte

    def use(self, connection: "_Connection") -> None:
        """Make `connection` the one that stopping shuts; raises if the reader has left already."""
        connection.carry(self)
        self._connection = connection
        if self.cancel.is_set:
            raise ConnectionAbortedError

    def expect(self, arriving: ArrivingResponse) -> None:
        """Read from `arriving` itself: urllib3's way to it takes longer than the reading, and there is nothing to decode."""
        self._arriving = arriving

    def answer(self, response: BaseHTTPResponse) -> None:
        self._response = response
        self._allow(max(self._first_byte_by - time.monotonic(), 0.001))

    def pause(self, seconds: float) -> bool:
        """Wait before a retry; return whether the reader is still there."""
        return not self._stopped.wait(seconds)

    def chunks(self) -> Iterator[bytes]:
        """Yield the answer's bytes as they arrive. Raises ProviderProblem when they stop coming."""
        chunk = self._read()
        self._allow(self.deadlines.idle)
        while chunk:
            yield chunk
            chunk = self._read()
        self._ended = True

    def finish(self) -> None:
        """Read what follows the last event, so that the connection can serve again; give up soon if nothing comes."""
        if self._ended:
            return
        self._allow(_END_SECONDS)
        try:
            self._ended = not self._read() or not self._read()
        except ProviderProblem:
            self._ended = False

    def read_error(self) -> bytes:
        """Return the start of the body of an error, only to look for the error's name in it."""
        self._allow(_ERROR_BODY_SECONDS)
        body = b""
        try:
            while len(body) < _ERROR_BODY and (chunk := self._read()):
                body += chunk
        except ProviderProblem:
            return b""
        self._ended = len(body) < _ERROR_BODY
        return body

    def close(self) -> None:
        """Give the connection back if its answer was read to the end; otherwise end it, so that the provider stops working."""
        if self._response is not None and not self._ended:
            self._shut()
            self._response.close()
        self._response = self._arriving = None
        self._connection = None

    def _read(self) -> bytes:
        assert self._response is not None
        assert self._arriving is not None
        try:
            data = self._arriving.read1(_READ_SIZE)
        except TimeoutError:
            failure = Failure.TIMEOUT
        except (HTTPException, OSError, ValueError):
            failure = Failure.CUT
        else:
            if self._arriving.isclosed():
                self._response.release_conn()
            return data
        # Raised out here because an exception may quote what came, and one raised in `except` carries it along.
        raise problem(failure)

    def _allow(self, seconds: float) -> None:
        if self._connection is not None:
            self._connection.allow(self, seconds)

    def _stop(self) -> None:
        self._stopped.set()
        self._shut()

    def _shut(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.shut(self)


_current: ContextVar[Exchange] = ContextVar("exchange")


class _Connection(HTTPConnection):
    """A connection that knows whose call it carries, and that another thread may shut for that call and no other.

    A pooled connection may have moved on to the next person's call by the time the first one's reader leaves.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = threading.Lock()
        self._exchange: Exchange | None = None
        self._head = b""
        # `sock` is taken away as soon as the provider says that it will close after this answer, which then still arrives.
        self._carrier: socket.socket | None = None

    @property
    def is_connected(self) -> bool:
        """Whether it can be used again: it is open, and nothing came unasked. To poll for that is slow in gevent."""
        return self.sock is not None and peek(self.sock) is None

    def response_class(self, *args: Any, **options: Any) -> ArrivingResponse:  # type: ignore[override]  # http.client calls it
        arriving = ArrivingResponse(*args, **options)
        _current.get().expect(arriving)
        return arriving

    def carry(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchange = exchange
            self._carrier = self.sock

    def connect(self) -> None:
        super().connect()
        _current.get().is_fresh = True

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        self._head = b""  # of a request that was not sent
        _current.get().use(self)
        super().request(*args, **options)

    def send(self, data: Any) -> None:
        """Send a request's head together with its body, unless that is so large that putting them together costs more."""
        if not self._head:
            self._head = data
            return
        head, self._head = self._head, b""
        if len(data) > _READ_SIZE:
            send_all(self.sock, head)
        else:
            data = head + data
        send_all(self.sock, data)

    def allow(self, exchange: Exchange, seconds: float) -> None:
        """Set how long `exchange` waits for bytes, if the connection still carries it."""
        with self._lock:
            if self._exchange is exchange and self._carrier is not None:
                self._carrier.settimeout(seconds)

    def shut(self, exchange: Exchange) -> None:
        with self._lock:
            if self._exchange is not exchange or self._carrier is None:
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


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Transport:
    """The one way out, shared by every provider of the process."""

    def __init__(self, deadlines: Deadlines | None = None, *, authorities: str | None = None) -> None:
        self._deadlines = deadlines or Deadlines()
        self._authorities = authorities
        self._timeout = urllib3.Timeout(connect=self._deadlines.connect, read=self._deadlines.first_byte)
        # A pool that is forgotten closes its connections. urllib3's own manager takes as long to find one as to send to it.
        self._pool = lru_cache(_POOLS)(self._open_pool)

    def _open_pool(self, scheme: str, host: str, port: int | None) -> HTTPConnectionPool:
        if scheme == "https":
            return _SecurePool(host, port, maxsize=_POOL_SIZE, ssl_context=self._trust)
        return _Pool(host, port, maxsize=_POOL_SIZE)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        # One for all: reading the machine's authorities costs tens of milliseconds, and urllib3 does it per connection. And
        # only when somebody is asked who is not on this machine.
        return ssl.create_default_context(cafile=self._authorities)

    @contextmanager
    def open(self, cancel: Cancel, letterhead: Letterhead, body: bytes) -> Iterator[Exchange]:
        """Ask, and yield the exchange whose bytes are the answer. Raises ProviderProblem where there is none."""
        exchange = Exchange(cancel, self._deadlines)
        try:
            if not self._ask(exchange, letterhead, body):
                raise problem(exchange.failure or Failure.FAILED)
            yield exchange
        finally:
            exchange.close()

    def _ask(self, exchange: Exchange, letterhead: Letterhead, body: bytes) -> bool:
        token = _current.set(exchange)
        try:
            for retry in range(_RETRIES + 1):
                is_answered, pause = self._attempt(exchange, letterhead, body)
                if is_answered:
                    return True
                if pause is None or retry == _RETRIES or not exchange.pause(max(pause, _jittered(retry))):
                    break
        finally:
            _current.reset(token)
        return False

    def _attempt(self, exchange: Exchange, letterhead: Letterhead, body: bytes) -> tuple[bool, float | None]:
        """Return whether an answer comes, and if not, the least pause after which a retry makes sense; None if it does not."""
        answer = self._send(exchange, letterhead, body)
        if answer is None:
            is_worth_it = exchange.failure is Failure.UNREACHABLE or not (
                exchange.is_fresh or exchange.failure is Failure.TIMEOUT
            )
            return False, 0.0 if is_worth_it else None
        exchange.answer(answer)
        if answer.status == 200:
            kind = answer.headers.get("content-type", "")
            if (
                kind.lower().startswith("text/event-stream")
                and answer.headers.get("content-encoding", "identity") == "identity"
            ):
                return True, None
            exchange.failure = Failure.GARBLED
            exchange.close()
            return False, None
        exchange.failure = failure_of_status(answer.status, exchange.read_error())
        exchange.close()
        return False, None if exchange.failure is Failure.QUOTA else _pause_asked(answer)

    def ask(self, exchange: Exchange, letterhead: Letterhead, body: bytes) -> BaseHTTPResponse | None:
        """Send `body` once, and return the answer's head, whatever its status. None: `exchange.failure` says why.

        For what is passed on as it came; the caller closes the exchange. Nothing is tried again here.
        """
        token = _current.set(exchange)
        try:
            answer = self._send(exchange, letterhead, body)
        finally:
            _current.reset(token)
        if answer is not None:
            exchange.answer(answer)
        return answer

    def exchange(self, cancel: Cancel) -> Exchange:
        """Return a new call, to be made by `ask`."""
        return Exchange(cancel, self._deadlines)

    def _send(self, exchange: Exchange, letterhead: Letterhead, body: bytes) -> BaseHTTPResponse | None:
        exchange.begin()
        try:
            return self._pool(letterhead.scheme, letterhead.host, letterhead.port).urlopen(
                "POST",
                letterhead.path,
                body=body,
                headers=letterhead.headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout,
            )
        except (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.SSLError,
        ):
            exchange.failure = Failure.UNREACHABLE
        except urllib3.exceptions.ReadTimeoutError:
            exchange.failure = Failure.TIMEOUT
        except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError):
            exchange.failure = Failure.CUT
        return None


def _pause_asked(answer: BaseHTTPResponse) -> float | None:
    if answer.status not in _RETRIED_STATUSES:
        return None
    try:
        seconds = float(answer.headers.get("retry-after", "0"))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_PAUSE else None


def _jittered(retry: int) -> float:
    return _FIRST_PAUSE * (1 + retry) * (0.5 + random.random() / 2)  # noqa: S311  # spreads load, guards nothing
