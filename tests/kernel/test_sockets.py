"""Looking at a socket without waiting for it."""

import socket
import time

import gevent.socket
import pytest

from chat.kernel.sockets import peek


@pytest.mark.parametrize("kind", [socket, gevent.socket], ids=["Python's", "gevent's"])
def test_it_is_seen_what_came_and_that_nobody_is_there_any_more(kind: object) -> None:
    ours, theirs = kind.socketpair()  # type: ignore[attr-defined]
    ours.settimeout(60)
    began = time.monotonic()

    with ours:
        with theirs:
            assert peek(ours) is None
            theirs.sendall(b"word")
            assert peek(ours) == peek(ours) == b"w"
            assert ours.recv(16) == b"word"
        assert peek(ours) == b""
    assert peek(ours) == b""
    assert time.monotonic() - began < 30, "it waited for something to come"
