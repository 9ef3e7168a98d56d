"""What the model said becomes a call or words wherever it is cut in pieces, and whatever it is, no failure."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.providers.problems import ProviderProblem
from chat.providers.translation.tools_called import StreamWithCalls, answer_with_calls

NAMES = ("weather", "weather_2")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
_OBJECTS = st.dictionaries(st.text(max_size=5), _JSON, max_size=4)


def said_of(arguments: str, name: str = "weather_2") -> str:
    return f'{{"name": "{name}", "arguments": {arguments}}}'


def whole(text: str | None, reason: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    body = {"id": "chatcmpl-a1", "choices": [choice], "usage": {"completion_tokens": 7}}
    return json.loads(answer_with_calls(msgspec.json.encode(body), NAMES))  # type: ignore[no-any-return]


def streamed(pieces: Sequence[str], reason: str = "stop", index: int = 0) -> list[dict[str, Any]]:
    """The choices of what is said of a stream of `pieces`, each in a read of its own."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}, *({"content": one} for one in pieces)]
    choices = [{"index": index, "delta": one, "finish_reason": None} for one in deltas]
    choices.append({"index": index, "delta": {}, "finish_reason": reason})
    reads = [[msgspec.json.encode({"id": "chatcmpl-a1", "choices": [one]})] for one in choices]
    said = StreamWithCalls(NAMES).reads(iter([*reads, [b"[DONE]"]]))
    *data, done = [one for read in said for one in read]
    assert done == b"[DONE]"
    return [json.loads(one)["choices"][0] for one in data]


def put_together(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a client makes of a stream."""
    deltas = [one["delta"] for one in choices]
    calls = [one["tool_calls"][0] for one in deltas if "tool_calls" in one]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(one.get("content") or "" for one in deltas) or None}
    if calls:
        function = {"name": calls[0]["function"]["name"], "arguments": "".join(one["function"]["arguments"] for one in calls)}
        message["tool_calls"] = [{"id": calls[0]["id"], "type": "function", "function": function}]
    return {"index": 0, "message": message, "finish_reason": choices[-1]["finish_reason"]}


@given(_OBJECTS, st.booleans(), st.data())
def test_a_call_is_the_same_wherever_it_is_cut(given_arguments: Any, ascii_only: bool, data: st.DataObject) -> None:
    arguments = json.dumps(given_arguments, ensure_ascii=ascii_only)
    text = said_of(arguments)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1))))

    message = put_together(streamed([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]))

    assert message["message"]["tool_calls"][0]["function"] == {"name": "weather_2", "arguments": arguments}
    assert message["finish_reason"] == "tool_calls"
    assert message["message"]["content"] is None
    assert message == whole(text)["choices"][0]


def test_it_is_cut_at_every_place() -> None:
    arguments = json.dumps({"city": 'a"}}\\ \U0001f600', "in": [{"a": {}}, {}]})
    text = said_of(arguments)

    for at in range(1, len(text)):
        choices = streamed([text[:at], text[at:]])
        assert put_together(choices)["message"]["tool_calls"][0]["function"]["arguments"] == arguments
    assert put_together(streamed(list(text)))["message"]["tool_calls"][0]["function"]["arguments"] == arguments


def test_pieces_are_said_as_they_come() -> None:
    text = said_of('{"city": "Lisbon"}')
    came: list[int] = []

    def reads() -> Iterator[list[bytes]]:
        for number, letter in enumerate(text):
            came.append(number)
            yield [msgspec.json.encode({"id": "1", "choices": [{"index": 0, "delta": {"content": letter}}]})]

    said = StreamWithCalls(NAMES).reads(reads())

    assert b'"name":"weather_2"' in next(said)[0]
    assert len(came) == text.index("{", 1)  # before the first of its arguments had come
    assert json.loads(next(said)[0])["choices"][0]["delta"]["tool_calls"][0]["function"] == {"arguments": "{"}


@given(st.text(st.characters(exclude_characters="{"), min_size=1, max_size=1), st.text(), st.data())
def test_words_stay_words(first: str, rest: str, data: st.DataObject) -> None:
    text = first + rest
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)))))

    message = put_together(streamed([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]))

    assert message["message"] == {"role": "assistant", "content": text}
    assert message["finish_reason"] == "stop"
    assert whole(text)["choices"][0] == message


def test_a_cut_call_is_said_as_far_as_it_came() -> None:
    arguments = '{"city": "Lisbon", "in": {}}'
    text = said_of(arguments)
    begin = text.index(arguments)

    for end in range(len(text)):
        answer = whole(text[:end] or None, "length")["choices"][0]
        calls = answer["message"].get("tool_calls", [])
        assert answer["finish_reason"] == "length"
        assert answer["message"]["content"] is None
        assert [one["function"]["arguments"] for one in calls] == ([arguments[: end - begin]] if end >= begin else [])
        assert put_together(streamed(list(text[:end]), "length")) == answer


@given(
    st.sampled_from(["", '{"name": "', said_of("{"), said_of("[]"), said_of('{"a": 1}}')]),
    st.text(),
    st.sampled_from(["stop", "length"]),
)
def test_garbage_is_no_failure(begin: str, rest: str, reason: str) -> None:
    answer = whole(begin + rest, reason)["choices"][0]

    assert put_together(streamed([begin, rest], reason)) == answer


def test_a_call_that_was_cut_behind_its_end_says_so_and_is_whole() -> None:
    answer = whole(said_of("{}"), "length")["choices"][0]

    assert answer["finish_reason"] == "length"
    assert answer["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize("text", ['{"city": "Lisbon"}', '{"name": "nobody", "arguments": {}}', "{"])
def test_what_is_no_call_after_all_is_words(text: str) -> None:
    assert whole(f"{text} ")["choices"][0]["message"] == {"role": "assistant", "content": f"{text} "}


def test_nothing_is_said_of_nothing() -> None:
    assert [one["delta"] for one in streamed(["Hi"])] == [{"role": "assistant", "content": None}, {"content": "Hi"}, {}]


def test_a_stop_sequence_in_a_call_makes_no_call_of_it() -> None:
    assert whole(said_of('{"city": "Lis')[:-1])["choices"][0]["finish_reason"] == "stop"


def test_a_number_of_any_size_is_one() -> None:
    call = whole(said_of('{"a": 1e999}'))["choices"][0]

    assert call["message"]["tool_calls"][0]["function"]["arguments"] == '{"a": 1e999}'
    assert call["finish_reason"] == "tool_calls"


def test_the_rest_of_the_answer_is_untouched() -> None:
    answer = whole(said_of("{}"))

    assert answer["usage"] == {"completion_tokens": 7}
    assert answer["choices"][0]["message"]["tool_calls"][0]["id"] == "call_a1_0"
    counts = msgspec.json.encode({"id": "1", "choices": [], "usage": {"completion_tokens": 7}})
    assert [*StreamWithCalls(NAMES).reads(iter([[counts, b"[DONE]"]]))] == [[counts, b"[DONE]"]]


def test_choices_are_told_apart() -> None:
    def chunk(index: int, text: str) -> bytes:
        return msgspec.json.encode({"id": "chatcmpl-a1", "choices": [{"index": index, "delta": {"content": text}}]})

    said = StreamWithCalls(NAMES).reads(
        iter([[chunk(0, '{"name": "weather", "arguments": {'), chunk(1, "Words"), chunk(0, "}")]])
    )

    choices = [json.loads(one)["choices"][0] for one in next(said)]
    assert [(one["index"], [*one["delta"]]) for one in choices] == [(0, ["tool_calls"]), (0, ["tool_calls"]), (1, ["content"])]
    assert choices[0]["delta"]["tool_calls"][0]["id"] == "call_a1_0"


def test_odds_of_tokens_are_told_of_words_alone() -> None:
    def said(text: str) -> list[Any]:
        choice = {"index": 0, "delta": {"content": text}, "logprobs": {"content": [1]}, "finish_reason": None}
        reads = StreamWithCalls(NAMES).reads(iter([[msgspec.json.encode({"id": "1", "choices": [choice]})]]))
        return [json.loads(one)["choices"][0]["logprobs"] for one in next(reads)]

    assert said("Hello") == [{"content": [1]}]
    assert said(said_of('{"a": 1}')) == [None, None]


def test_what_came_before_it_broke_is_said() -> None:
    word = msgspec.json.encode({"id": "1", "choices": [{"index": 0, "delta": {"content": "one"}}]})
    said = StreamWithCalls(NAMES).reads(iter([[word, b"{", word]]))

    assert [b"one" in one for one in next(said)] == [True]
    with pytest.raises(ProviderProblem):
        next(said)


@pytest.mark.parametrize("body", [b"{}", b'{"choices": []}', b"[]", b"nothing"])
def test_what_is_no_answer_is_a_failure_of_the_provider(body: bytes) -> None:
    with pytest.raises(ProviderProblem):
        answer_with_calls(body, NAMES)
