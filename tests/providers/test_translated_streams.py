"""A translated stream is said in as many pieces as it came in, each as soon as it came, and up to where it broke off."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from chat.providers.problems import ProviderProblem
from chat.providers.translation.answer_to_anthropic import StreamToAnthropic
from chat.providers.translation.answer_to_openai import StreamToOpenAI
from chat.providers.translation.chat_to_responses import StreamToResponses, answer_to_response

_encode = msgspec.json.encode
_GARBAGE = b"{"


def _openais(word: str) -> bytes:
    return _encode({"id": "1", "choices": [{"delta": {"content": word}}]})


def _anthropics(word: str) -> bytes:
    return _encode({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})


TO_ANTHROPIC: Any = (lambda: StreamToAnthropic(model="m", input_estimate=1).events, _openais)
TO_OPENAI: Any = (lambda: StreamToOpenAI(model="m", created=1, wants_usage=False).events, _anthropics)
TO_RESPONSES: Any = (lambda: StreamToResponses(model="m", created=1).events, _openais)
each = pytest.mark.parametrize(
    ("begin", "event"), [TO_ANTHROPIC, TO_OPENAI, TO_RESPONSES], ids=["to anthropic", "to openai", "to responses"]
)


@each
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


@each
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


@each
def test_one_that_breaks_off_or_never_begins_says_so(begin: Any, event: Any) -> None:
    with pytest.raises(ProviderProblem):
        list(begin()(iter([[event("one")]])))
    with pytest.raises(ProviderProblem):
        list(begin()(iter([])))


def test_an_error_in_a_stream_of_chat_completions_is_none_of_its_words() -> None:
    said = StreamToResponses(model="m", created=1).events(
        iter([[_openais("one")], [b'{"error":{"message":"canary","type":"exceed_context_size_error"}}']])
    )

    assert b'"one"' in next(said)
    with pytest.raises(ProviderProblem) as failed:
        next(said)
    assert failed.value.code == "provider_too_long"
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize("body", [b"{}", b'{"choices":[]}', b"nothing"])
def test_what_is_no_chat_completion_is_no_response(body: bytes) -> None:
    with pytest.raises(ProviderProblem):
        answer_to_response(body, model="m", created=1)


def test_a_response_says_whether_it_is_whole() -> None:
    def answer(reason: str) -> Any:
        choice = {"message": {"content": "Hi"}, "finish_reason": reason}
        return msgspec.json.decode(answer_to_response(_encode({"id": "chatcmpl-1", "choices": [choice]}), model="m", created=1))

    whole, cut = answer("stop"), answer("length")

    assert (whole["status"], whole["incomplete_details"], whole["output"][0]["status"]) == ("completed", None, "completed")
    assert (cut["status"], cut["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert whole["usage"] is None
