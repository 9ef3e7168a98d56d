from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.providers.base import ProviderProblem
from chat.providers.sse import decode_events

_STREAM = b': hello\r\n\r\nevent: x\r\ndata: {"a":1}\r\n\r\nid: 3\ndata: two\ndata: lines\n\ndata: [DONE]\n\n'
_EVENTS = [b'{"a":1}', b"two\nlines", b"[DONE]"]


@given(st.lists(st.integers(0, len(_STREAM))))
def test_events_are_the_same_however_the_bytes_are_split(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(_STREAM)]
    chunks = [_STREAM[start:end] for start, end in pairwise(edges)]

    assert _all(iter(chunks)) == _EVENTS


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: y\n" * 10])
def test_an_endless_event_is_refused_before_it_fills_the_memory(piece: bytes) -> None:
    taken: list[int] = []

    with pytest.raises(ProviderProblem) as caught:
        list(decode_events(_endless(piece, taken), largest=1000))

    assert caught.value.code == "provider_garbled"
    assert len(taken) < 150


def test_what_one_read_completes_is_handed_over_together() -> None:
    reads = [b"data: one\n\ndata: two\n\nda", b"ta: three\n\n"]

    assert list(decode_events(iter(reads))) == [[b"one", b"two"], [b"three"]]


def test_an_event_that_was_cut_short_is_not_shown() -> None:
    assert _all(iter([b'data: {"a"'])) == []


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n"])
def test_a_forgotten_empty_line_at_the_end_is_forgiven(end: bytes) -> None:
    assert _all(iter([end])) == [b"[DONE]"]


def _all(chunks: Iterator[bytes]) -> list[bytes]:
    return [event for read in decode_events(chunks) for event in read]


def _endless(piece: bytes, taken: list[int]) -> Iterator[bytes]:
    while True:
        taken.append(1)
        yield piece
