"""A translated stream is said in as many pieces as it came in, each as soon as it came, and up to where it broke off."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from chat.providers.problems import ProviderProblem
from chat.providers.translation.answer_to_anthropic import StreamToAnthropic
from chat.providers.translation.answer_to_openai import StreamToOpenAI

_encode = msgspec.json.encode
_GARBAGE = b"{"


def _openais(word: str) -> bytes:
    return _encode({"id": "1", "choices": [{"delta": {"content": word}}]})


def _anthropics(word: str) -> bytes:
    return _encode({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})


TO_ANTHROPIC: Any = (lambda: StreamToAnthropic(model="m", input_estimate=1).events, _openais)
TO_OPENAI: Any = (lambda: StreamToOpenAI(model="m", created=1, wants_usage=False).events, _anthropics)
both = pytest.mark.parametrize(("begin", "event"), [TO_ANTHROPIC, TO_OPENAI], ids=["to anthropic", "to openai"])


@both
def test_what_came_together_is_said_together(begin: Any, event: Any) -> None:
    came: list[int] = []

    def reads() -> Iterator[list[bytes]]:
        for number, words in enumerate((["one", "two"], ["three"])):
            came.append(number)
            yield [event(word) for word in words]

    said = begin()(reads())

    first = next(said)
    assert b'"one"' in first
    assert b'"two"' in first
    assert came == [0]  # it did not wait for more
    assert b'"three"' in next(said)


@both
def test_what_came_before_it_broke_is_said(begin: Any, event: Any) -> None:
    said = begin()(iter([[event("one"), _GARBAGE, event("two")]]))

    only = next(said)

    assert b'"one"' in only
    assert b'"two"' not in only
    with pytest.raises(ProviderProblem):
        next(said)


def test_nothing_is_read_behind_the_end() -> None:
    def reads() -> Iterator[list[bytes]]:
        yield [_openais("one"), b"[DONE]", _GARBAGE]
        raise AssertionError("it read on")

    said = b"".join(StreamToAnthropic(model="m", input_estimate=1).events(reads()))

    assert said.count(b"event: content_block_delta") == 1
    assert said.endswith(b'data: {"type":"message_stop"}\n\n')
