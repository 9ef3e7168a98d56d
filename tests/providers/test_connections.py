"""Connections that are kept, taken again, and closed when nobody can ask for them any more."""

import gc
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from chat.providers.connections import Connection, Pool


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """Yield an open connection, and its other end."""
    here, there = socket.socketpair()
    connection = Connection("127.0.0.1", 80)
    connection.sock = here
    with there:
        yield connection, there
    connection.close()


def test_the_last_one_that_was_given_back_is_taken_first(pair: tuple[Connection, socket.socket]) -> None:
    connection, _there = pair
    pool = _pool()

    pool.give_back(connection)

    assert pool.take() is connection
    assert pool.take().sock is None, "somebody got a connection that another one has"


@pytest.mark.parametrize("happened", ["its other end closed it", "something came unasked"])
def test_one_that_cannot_be_used_again_is_closed_and_not_given_out(
    pair: tuple[Connection, socket.socket], happened: str
) -> None:
    connection, there = pair
    pool = _pool()
    pool.give_back(connection)
    if happened == "its other end closed it":
        there.close()
    else:
        there.sendall(b"HTTP/1.1 408 Too late\r\n\r\n")

    assert pool.take() is not connection
    assert connection.sock is None


def test_a_pool_that_is_forgotten_closes_what_is_free(pair: tuple[Connection, socket.socket]) -> None:
    connection, there = pair
    pool = _pool()
    pool.give_back(connection)

    del pool
    gc.collect()

    there.settimeout(5)
    assert there.recv(1) == b""


def test_a_request_has_its_own_time_and_not_what_the_call_before_was_left(pair: tuple[Connection, socket.socket]) -> None:
    connection, there = pair
    connection.timeout = 10
    connection.carry(self := object())
    connection.allow(self, 0.05)
    body = b"x" * 8_000_000
    read: list[int] = []
    slow = threading.Thread(target=_read_late, args=(there, len(body), read))
    slow.start()

    connection.ask("/v1", {}, body)

    slow.join()
    assert read[0] > len(body), "the head, and all of the body"


def test_a_name_of_a_place_leads_to_its_usual_port() -> None:
    assert _pool("https").take().port == 443
    assert _pool("http").take().port == 80
    assert _pool("http", "::1").take().host == "::1"


def _read_late(there: socket.socket, least: int, read: list[int]) -> None:
    time.sleep(0.3)
    there.settimeout(10)
    count = 0
    while count <= least:
        count += len(there.recv(1_000_000))
    read.append(count)


def _pool(scheme: str = "http", host: str = "127.0.0.1") -> Pool:
    return Pool(scheme, host, None, ssl.create_default_context)
