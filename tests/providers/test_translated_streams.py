"""A translated stream is said in as many pieces as it came in, each as soon as it came, and up to where it broke off."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from chat.providers.problems import ProviderProblem
from chat.providers.translation.answer_to_anthropic import StreamToAnthropic
from chat.providers.translation.answer_to_openai import StreamToOpenAI
from chat.providers.translation.chat_to_responses import StreamToResponses, answer_to_response, begin_response

_encode = msgspec.json.encode
_GARBAGE = b"{"
EVENT: Any = pydantic.TypeAdapter(Annotated[ResponseStreamEvent, pydantic.Field(discriminator="type")])
BEGUN = begin_response({}, model="m", created=1)


def _openais(word: str) -> bytes:
    return _encode({"id": "1", "choices": [{"delta": {"content": word}}]})


def _anthropics(word: str) -> bytes:
    return _encode({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})


TO_ANTHROPIC: Any = (lambda: StreamToAnthropic(model="m", input_estimate=1).events, _openais)
TO_OPENAI: Any = (lambda: StreamToOpenAI(model="m", created=1, wants_usage=False).events, _anthropics)
TO_RESPONSES: Any = (lambda: StreamToResponses(BEGUN).events, _openais)
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
    said = StreamToResponses(BEGUN).events(
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
        answer_to_response(body, BEGUN)


def test_a_response_says_whether_it_is_whole() -> None:
    def answer(reason: str) -> Any:
        choice = {"message": {"content": "Hi"}, "finish_reason": reason}
        return msgspec.json.decode(answer_to_response(_encode({"id": "chatcmpl-1", "choices": [choice]}), BEGUN))

    whole, cut = answer("stop"), answer("length")

    assert (whole["status"], whole["incomplete_details"], whole["output"][0]["status"]) == ("completed", None, "completed")
    assert (cut["status"], cut["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert whole["usage"] is None


THOUGHT, SAID, FIRST, SECOND = (
    {"reasoning_content": "Hm."},
    {"content": "Let me see."},
    {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
    {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "time", "arguments": '{"a": 1}'}}]},
)


def test_an_answer_of_several_items_is_the_same_response_whole_and_streamed() -> None:
    """As a model says it whose own template has a place for tools: thoughts, words, and calls beside each other."""
    more = {"tool_calls": [{"index": 1, "function": {"arguments": ""}}]}
    deltas = [{"role": "assistant"}, THOUGHT, SAID, FIRST, SECOND, more]
    usage = {"prompt_tokens": 3, "completion_tokens": 9}
    chunks = [{"id": "chatcmpl-1", "choices": [{"delta": delta}]} for delta in deltas]
    chunks.append({"id": "chatcmpl-1", "choices": [{"delta": {}, "finish_reason": "tool_calls"}], "usage": usage})
    message = THOUGHT | SAID | {"tool_calls": [*FIRST["tool_calls"], *SECOND["tool_calls"]]}
    answer = {"id": "chatcmpl-1", "choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": usage}

    whole = msgspec.json.decode(answer_to_response(_encode(answer), BEGUN))
    events = _events(StreamToResponses(BEGUN).events(iter([list(map(_encode, chunks)), [b"[DONE]"]])))

    for one in events:
        EVENT.validate_python(one)
    assert events[-1]["response"] == whole
    assert [one["type"] for one in whole["output"]] == ["reasoning", "message", "function_call", "function_call"]
    assert {one["status"] for one in whole["output"]} == {"completed"}
    done = [(one["output_index"], one["item"]) for one in events if one["type"] == "response.output_item.done"]
    assert done == list(enumerate(whole["output"]))
    places = [one["output_index"] for one in events if "output_index" in one]
    assert places == sorted(places)


def test_only_the_item_that_was_cut_is_incomplete() -> None:
    chunks = [{"id": "1", "choices": [{"delta": delta}]} for delta in (THOUGHT, SAID)]
    chunks.append({"id": "1", "choices": [{"delta": {}, "finish_reason": "length"}]})
    answer = {"id": "1", "choices": [{"message": THOUGHT | SAID, "finish_reason": "length"}]}

    *_, last = _events(StreamToResponses(BEGUN).events(iter([list(map(_encode, chunks))])))
    whole = msgspec.json.decode(answer_to_response(_encode(answer), BEGUN))

    assert last["type"] == "response.incomplete"
    assert last["response"] == whole
    assert [one["status"] for one in whole["output"]] == ["completed", "incomplete"]


def test_a_call_that_goes_on_behind_another_one_is_garbled() -> None:
    on = {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}
    chunks = [{"id": "1", "choices": [{"delta": delta}]} for delta in (FIRST, SECOND, on)]

    with pytest.raises(KeyError):
        list(StreamToResponses(BEGUN).events(iter([list(map(_encode, chunks))])))


def test_a_response_repeats_what_was_asked() -> None:
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}]
    asked = {"tools": tools, "tool_choice": "required", "temperature": 0, "instructions": "Be kind.", "top_p": None}
    choice = {"message": {"content": "Hi"}, "finish_reason": "stop"}
    begun = begin_response(asked | {"metadata": {"who": "alice"}}, model="m", created=1)

    said = msgspec.json.decode(answer_to_response(_encode({"id": "1", "choices": [choice]}), begun))

    Response.model_validate(said)
    assert said | asked == said
    assert (said["metadata"], said["created_at"], said["model"]) == ({}, 1, "m")


def _events(said: Iterator[bytes]) -> list[Any]:
    blocks = b"".join(said).split(b"\n\n")[:-1]
    return [msgspec.json.decode(one.partition(b"data: ")[2]) for one in blocks]
