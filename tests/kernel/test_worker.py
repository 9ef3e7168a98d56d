"""gunicorn's worker as this site has it: what leaves together, and what is asked of whom."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gevent.hub import get_hub
from gevent.threadpool import ThreadPool

from chat.kernel.worker import ClientSocket, NumbersFirst

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
_BODY = b"Hello"


@pytest.fixture
def pair() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """Yield a client's socket as the worker has it, and the client's own end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ClientSocket(ours), theirs


def test_a_head_leaves_with_what_follows_it(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, theirs = pair

    ours.sendall(_HEAD)
    assert _arrived(theirs) == b""
    ours.sendall(_BODY)

    assert _arrived(theirs) == _HEAD + _BODY


def test_only_a_head_waits(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, theirs = pair

    for piece in (b"5\r\nHello\r\n", b"0\r\n\r\n", b"HTTP/1.1 is a protocol."):
        ours.sendall(piece)
        assert _arrived(theirs) == piece


@pytest.mark.parametrize("next_step", ["the next request is read", "the connection is shut", "the connection is closed"])
def test_a_head_that_nothing_follows_leaves_in_the_end(pair: tuple[ClientSocket, socket.socket], next_step: str) -> None:
    ours, theirs = pair
    ours.sendall(_HEAD)

    match next_step:
        case "the next request is read":
            theirs.sendall(b"GET")
            assert ours.recv(8) == b"GET"
        case "the connection is shut":
            ours.shutdown(socket.SHUT_WR)
        case _:
            ours.close()

    assert _arrived(theirs) == _HEAD


def test_a_head_leaves_before_a_file_does(pair: tuple[ClientSocket, socket.socket], tmp_path: Path) -> None:
    ours, theirs = pair
    file = tmp_path / "hello"
    file.write_bytes(_BODY)

    ours.sendall(_HEAD)
    with file.open("rb") as opened:
        ours.sendfile(opened, count=5)

    assert _arrived(theirs) == _HEAD + _BODY


def test_more_than_the_system_takes_at_once_arrives_whole(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, theirs = pair
    for end in (ours, theirs):
        end.settimeout(10)  # one that waits without end would also send all of it at once
    much = bytes(range(256)) * 20_000

    sender = threading.Thread(target=ours.sendall, args=(much,))
    sender.start()
    arrived = b""
    while len(arrived) < len(much):
        arrived += theirs.recv(65536)
    sender.join()

    assert arrived == much


@pytest.mark.parametrize(("host", "threads"), [("127.0.0.1", 0), ("::1", 0), ("localhost", 1)])
def test_only_what_is_a_name_is_looked_up_and_that_in_a_thread(host: str, threads: int) -> None:
    resolver = NumbersFirst(get_hub())
    resolver.pool = ThreadPool(1)

    found = resolver.getaddrinfo(host, 80, 0, socket.SOCK_STREAM)

    assert {address[0] for *_, address in found} & {"127.0.0.1", "::1"}
    assert resolver.pool.size == threads


def _arrived(connection: socket.socket) -> bytes:
    """Return what has come so far; on one machine what was sent is there when sending returns."""
    try:
        return connection.recv(65536, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""
