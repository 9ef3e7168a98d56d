"""How tools are told to a model whose template has no place for them, and what is refused."""

from typing import Any

import jsonschema
import pytest

from chat.kernel.errors import Problem
from chat.providers.translation.refusal import NotAble
from chat.providers.translation.tools_schema import held_to
from chat.providers.translation.tools_told import speaks_of_tools, tell_tools

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASKED = {"role": "user", "content": "How is the weather?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}


def tool(name: str, parameters: Any = CITY, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


def told(*messages: dict[str, Any], **more: Any) -> Any:
    return tell_tools({"model": "m", "messages": [*messages] or [ASKED], "tools": [tool("weather"), tool("time")], **more})


def result(text: Any = "sunny", call_id: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def test_they_stand_in_the_instruction() -> None:
    fresh = told(ASKED).body["messages"]
    own = told({"role": "developer", "content": "Be kind."}, ASKED).body["messages"]

    assert fresh[0]["role"] == own[0]["role"] == "system"
    assert fresh[0]["content"].startswith("You can call these tools:\n")
    assert own[0]["content"].startswith("Be kind.\n\nYou can call these tools:\n")
    assert '"weather"' in fresh[0]["content"]
    assert fresh[-1] == own[-1] == ASKED
    assert [one["role"] for one in fresh[1:]] == ["user", "assistant"] * (len(fresh) // 2 - 1) + ["user"]


@pytest.mark.parametrize(
    ("choice", "names", "may_talk"),
    [
        (None, ("weather", "time"), True),
        ("auto", ("weather", "time"), True),
        ("required", ("weather", "time"), False),
        ({"type": "function", "function": {"name": "time"}}, ("time",), False),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("time")]}}, ("time",), True),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [tool("time")]}}, ("time",), False),
    ],
)
def test_what_may_be_said_is_what_was_chosen(choice: Any, names: tuple[str, ...], may_talk: bool) -> None:
    made = told(tool_choice=choice)

    assert made.names == names
    assert ("TALK" in made.body["grammar"]) is may_talk
    assert ("Otherwise" in made.body["messages"][0]["content"]) is may_talk
    assert ("weather" in made.body["messages"][0]["content"]) is ("weather" in names)
    assert "TALK" not in made.trial_together
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(made.body)


def test_with_none_nothing_is_told() -> None:
    made = told(tool_choice="none", response_format={"type": "json_object"}, seed=1)

    assert made.body == {"model": "m", "messages": [ASKED], "response_format": {"type": "json_object"}, "seed": 1}
    assert made.names == ()


def test_results_are_told_with_the_question_and_calls_are_not() -> None:
    second = {**CALL, "id": "c2"}
    both = {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL, second]}
    words = 'Result of weather {"city": "Rome"}: '

    one = told(ASKED, CALLED, result()).body["messages"]
    two = told(ASKED, CALLED, result(), CALLED, result([{"type": "text", "text": "wet"}])).body["messages"]
    said = told(ASKED, both, result("wet", "c2"), result(None), {"role": "assistant", "content": "Wet."}, ASKED).body[
        "messages"
    ]

    assert one[1:] == [{"role": "user", "content": f"{ASKED['content']}\n\n{words}sunny"}]
    assert two[-1]["content"].endswith(f"\n\n{words}sunny\n\n{words}wet")
    assert said[-4:] == [
        {"role": "assistant", "content": "Let me see."},
        {"role": "user", "content": f"{words}wet\n\n{words}"},
        {"role": "assistant", "content": "Wet."},
        ASKED,
    ]


def test_results_are_told_behind_parts_too() -> None:
    asked = {"role": "user", "content": [{"type": "text", "text": "How?"}]}

    messages = tell_tools({"messages": [asked, CALLED, result()]}).body["messages"]

    assert [one["text"] for one in messages[0]["content"]] == ["How?", 'Result of weather {"city": "Rome"}: sunny']


@pytest.mark.parametrize(
    "messages",
    [
        [ASKED, CALLED],
        [ASKED, CALLED, ASKED],
        [ASKED, CALLED, ASKED, result()],
        [ASKED, result()],
        [ASKED, CALLED, result(), result()],
        [ASKED, CALLED, result(call_id="c9")],
        [ASKED, {"role": "tool", "content": "sunny"}],
        [ASKED, {"role": "assistant", "tool_calls": [{"id": "c1"}]}],
        [{"content": "Hi"}],
        ["Hi"],
    ],
)
def test_a_conversation_that_lacks_a_part_is_refused(messages: Any) -> None:
    with pytest.raises(Problem, match="messages"):
        tell_tools({"messages": messages, "tools": [tool("weather")]})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "custom"),
        ({"functions": [{"name": "weather"}]}, "`functions`"),
        ({"messages": [{"role": "function", "name": "weather", "content": "x"}]}, "`functions`"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "x"}}}, "`tool_choice`"),
        ({"response_format": {"type": "json_object"}}, "`response_format`"),
        ({"grammar": 'root ::= "a"'}, "`grammar`"),
        ({"json_schema": CITY}, "`json_schema`"),
        ({"messages": [ASKED, CALLED, result([{"type": "image_url", "image_url": {"url": "x"}}])]}, "only text"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(fields: Any, words: str) -> None:
    with pytest.raises(NotAble, match=words):
        tell_tools({"messages": [ASKED], "tools": [tool("weather")], **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tools": [tool("two words")]}, "name"),
        ({"tools": [tool('x"} | TALK')]}, "name"),
        ({"tools": [tool("weather", {"type": "array"})]}, "`weather`"),
        ({"tools": [tool("weather", "none")]}, "`weather`"),
        ({"tools": ["weather"]}, "tools"),
        ({"tools": [], "tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "time"}}}, "'time'"),
        ({"messages": "Hi"}, "messages"),
    ],
)
def test_what_is_wrong_is_refused_by_name(fields: Any, words: str) -> None:
    with pytest.raises(Problem, match=words) as refused:
        tell_tools({"messages": [ASKED], "tools": [tool("weather")], **fields})

    assert refused.value.code == "invalid_request"


def test_requests_without_tools_are_left_alone() -> None:
    assert not speaks_of_tools({"messages": [ASKED, {"role": "assistant", "content": "Hi", "tool_calls": []}], "tools": []})
    assert not speaks_of_tools({"messages": "tools"})
    assert speaks_of_tools({"messages": [ASKED], "functions": [{}]})
    assert speaks_of_tools({"messages": [ASKED, CALLED, result()]})


def test_nothing_is_invented_beside_what_is_named() -> None:
    inner = {"type": "object", "properties": {"a": {"enum": [{"properties": {}}]}}}
    held = held_to({"properties": {"inner": inner, "free": {"type": "object"}}}, is_strict=True)

    assert held["additionalProperties"] is held["properties"]["inner"]["additionalProperties"] is False
    assert held["properties"]["inner"]["properties"]["a"] == {"enum": [{"properties": {}}]}
    assert held["properties"]["free"] == {"type": "object"}
    assert held_to({"properties": {}, "additionalProperties": True}, is_strict=True)["additionalProperties"] is True


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]},
        {"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}, "required": ["b"]}]},
        {"$defs": {"x": {"properties": {"a": {}}}}, "properties": {"b": {}}, "$ref": "#/$defs/x"},
        {"properties": {"a": {}}, "patternProperties": {"b": {}}},
    ],
)
def test_what_is_joined_of_parts_stays_open(schema: dict[str, Any]) -> None:
    """A closed part would forbid what another part asks for: nothing would satisfy both."""
    jsonschema.validate({"a": 1, "b": 2}, held_to(schema, is_strict=True))


def test_arguments_are_an_object_also_where_the_schema_does_not_say_so() -> None:
    assert '%json {"type":"object","properties":{}' in told(tools=[tool("weather", {"properties": {}})]).body["grammar"]


def test_only_a_strict_one_is_held_to_every_word() -> None:
    assert "lenient" not in held_to(CITY, is_strict=True)["x-guidance"]
    assert held_to(CITY, is_strict=False)["x-guidance"]["lenient"]
    assert '"lenient"' not in tell_tools({"messages": [ASKED], "tools": [tool("weather", strict=True)]}).body["grammar"]
