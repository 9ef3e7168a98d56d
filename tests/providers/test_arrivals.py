"""Chunks of HTTP, read from a real socket however they are cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.providers.arrivals import ArrivingResponse

_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_CHUNKS = b"5\r\nHello\r\n2;name=value\r\n, \r\n6\r\nworld.\r\n0\r\n"
_END = b"Expires: never\r\n\r\n"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, len(_CHUNKS + _END)), max_size=8))
def test_a_body_is_the_same_however_its_bytes_arrive(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(_CHUNKS + _END)]
    pieces = [(_CHUNKS + _END)[start:end] for start, end in pairwise(edges)]

    with _answered([_HEAD, *pieces]) as response:
        assert b"".join(_reads(response)) == b"Hello, world."
        assert response.isclosed()


def test_chunks_that_arrived_together_are_read_together() -> None:
    with _answered([_HEAD + _CHUNKS + _END]) as response:
        assert list(_reads(response)) == [b"Hello, world."]


@pytest.mark.parametrize("tail", [b"", b"5\r\nHel", b"5\r\nHello", b"x\r\nHello\r\n", b"-5\r\nHello\r\n", b"\r\n\r\n"])
def test_a_body_that_breaks_off_or_makes_no_sense_is_not_taken_for_complete(tail: bytes) -> None:
    with _answered([_HEAD + b"5\r\nHello\r\n" + tail]) as response, pytest.raises(IncompleteRead):
        list(_reads(response))


def test_a_body_of_a_known_length_is_over_with_its_last_byte() -> None:
    with _answered([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"Hel", b"lo"]) as response:
        assert b"".join(iter(lambda: b"" if response.isclosed() else response.read1(16), b"")) == b"Hello"
        assert response.isclosed()


def test_a_body_that_is_shorter_than_was_said_is_not_taken_for_complete() -> None:
    with _answered([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHello"]) as response:
        assert response.read1(16) == b"Hello"
        with pytest.raises(IncompleteRead):
            response.read1(16)


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    with _answered([_HEAD, *[b"1" * 8192] * 20]) as response, pytest.raises(HTTPException):
        list(_reads(response))


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello",
        b"HTTP/1.1 200\r\ncontent-length:5\r\nx-empty:\r\nx-two: a\r\nx-two:  b\r\n\r\nHello",
        b"HTTP/1.1 429 Too Many Requests\nConnection: close\nTransfer-Encoding: Chunked\n\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nKeep-Alive: 5\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nx-early: 1\r\n\r\nHTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-name: caf\xe9\r\nContent-Length: 1, 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    ],
)
def test_a_head_means_what_it_means_to_http_client(head: bytes) -> None:
    with _answered([head]) as ours, _answered([head], HTTPResponse) as theirs:
        for name in ("status", "reason", "version", "chunked", "length", "will_close"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.getheaders() == theirs.getheaders()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n<html>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-folded: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-spaced : a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-cut: a",
        b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-many: a\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"Hello\r\n\r\n",
    ],
)
def test_what_is_no_head_is_refused(head: bytes) -> None:
    with pytest.raises(HTTPException), _answered([head]):
        pass


def _reads(response: ArrivingResponse) -> Iterator[bytes]:
    while data := response.read1(16384):
        yield data


@contextmanager
def _answered(pieces: list[bytes], kind: type[HTTPResponse] = ArrivingResponse) -> Iterator[Any]:
    """Yield the beginning of an answer whose bytes are sent piece by piece, after which the connection is closed."""
    here, there = socket.socketpair()
    sender = threading.Thread(target=_send, args=(there, pieces))
    sender.start()
    connection = HTTPConnection("nowhere")
    connection.response_class = kind
    connection.sock = here
    try:
        connection.request("GET", "/")
        with connection.getresponse() as response:
            assert isinstance(response, kind)
            yield response
    finally:
        connection.close()
        here.close()
        sender.join()


def _send(there: socket.socket, pieces: list[bytes]) -> None:
    with there, suppress(ConnectionError):
        there.recv(65536)
        for piece in pieces:
            there.sendall(piece)
