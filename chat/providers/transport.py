"""How a provider is reached: kept connections, our time-outs, our retries, and a socket that any thread can shut.

The SDKs' own pool looks through all its connections on each request and collapses under many streams.
Nothing is logged, no proxy is read from the environment, no cookie is kept, and no upstream body leaves as an error.
"""

import logging
import random
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from http.client import HTTPException

from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from chat.providers.arrivals import ArrivingResponse
from chat.providers.base import Cancel, ProviderProblem
from chat.providers.connections import Connection, Pool
from chat.providers.letterhead import Letterhead
from chat.providers.problems import Failure, failure_of_status, problem

# Their lines say which host was asked and when, for each message that anyone sends.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_POOLS = 64
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
        self._connection: Connection | None = None
        self._pool: Pool | None = None
        self._arriving: ArrivingResponse | None = None
        self._ended = False
        self._first_byte_by = 0.0
        self._stopped = threading.Event()
        cancel.on_set(self._stop)

    def begin(self) -> None:
        """Count the time to the first byte from here."""
        self.is_fresh = self._ended = False
        self._first_byte_by = time.monotonic() + self.deadlines.first_byte

    def use(self, connection: Connection, pool: Pool) -> None:
        """Make `connection` the one that stopping shuts; raises if the reader has left already."""
        connection.carry(self)
        self._connection, self._pool = connection, pool
        if self.cancel.is_set:
            raise ConnectionAbortedError

    def answer(self, arriving: ArrivingResponse) -> None:
        """Read the answer from `arriving`."""
        self._arriving = arriving
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
        if self._arriving is not None and not self._ended:
            self._shut()
            self._arriving.close()
            if self._connection is not None and self._pool is not None:
                self._connection.close()
        self._arriving = self._connection = self._pool = None

    def _read(self) -> bytes:
        assert self._arriving is not None
        try:
            data = self._arriving.read1(_READ_SIZE)
        except TimeoutError:
            failure = Failure.TIMEOUT
        except (HTTPException, OSError, ValueError):
            failure = Failure.CUT
        else:
            if self._arriving.isclosed():
                self._give_back()
            return data
        # Raised out here because an exception may quote what came, and one raised in `except` carries it along.
        raise problem(failure)

    def _give_back(self) -> None:
        if self._connection is not None and self._pool is not None:
            self._pool.give_back(self._connection)
            self._pool = None

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


class Transport:
    """The one way out, shared by every provider of the process."""

    def __init__(self, deadlines: Deadlines | None = None, *, authorities: str | None = None) -> None:
        self._deadlines = deadlines or Deadlines()
        self._authorities = authorities
        self._pool = lru_cache(_POOLS)(self._open_pool)

    def _open_pool(self, scheme: str, host: str, port: int | None) -> Pool:
        return Pool(scheme, host, port, lambda: self._trust)

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
        for retry in range(_RETRIES + 1):
            is_answered, pause = self._attempt(exchange, letterhead, body)
            if is_answered:
                return True
            if pause is None or retry == _RETRIES or not exchange.pause(max(pause, _jittered(retry))):
                break
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

    def ask(self, exchange: Exchange, letterhead: Letterhead, body: bytes) -> ArrivingResponse | None:
        """Send `body` once, and return the answer's head, whatever its status. None: `exchange.failure` says why.

        For what is passed on as it came; the caller closes the exchange. Nothing is tried again here.
        """
        answer = self._send(exchange, letterhead, body)
        if answer is not None:
            exchange.answer(answer)
        return answer

    def exchange(self, cancel: Cancel) -> Exchange:
        """Return a new call, to be made by `ask`."""
        return Exchange(cancel, self._deadlines)

    def _send(self, exchange: Exchange, letterhead: Letterhead, body: bytes) -> ArrivingResponse | None:
        exchange.begin()
        pool = self._pool(letterhead.scheme, letterhead.host, letterhead.port)
        connection = pool.take()
        try:
            if connection.sock is None:
                connection.open(self._deadlines.connect)
                exchange.is_fresh = True
            exchange.use(connection, pool)
            connection.ask(letterhead.path, letterhead.headers, body)
            return connection.answer(self._deadlines.first_byte)
        except (NewConnectionError, ConnectTimeoutError, ssl.SSLError):
            exchange.failure = Failure.UNREACHABLE
        except TimeoutError:
            exchange.failure = Failure.TIMEOUT
        except (HTTPError, HTTPException, OSError, ValueError):
            exchange.failure = Failure.CUT
        connection.close()
        return None


def _pause_asked(answer: ArrivingResponse) -> float | None:
    if answer.status not in _RETRIED_STATUSES:
        return None
    try:
        seconds = float(answer.headers.get("retry-after", "0"))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_PAUSE else None


def _jittered(retry: int) -> float:
    return _FIRST_PAUSE * (1 + retry) * (0.5 + random.random() / 2)  # noqa: S311  # spreads load, guards nothing
