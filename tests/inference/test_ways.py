"""The way to the embedded model: tools are put in words where its template has no place for them, and nothing else is."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from chat.inference.ways import Asked, Way, way_to
from chat.kernel.errors import Problem
from chat.providers.catalogue import Model
from chat.providers.data_policy import DataPolicy
from chat.providers.passing import Protocol

TOLD = Model(
    id="here",
    name="here",
    provider_id="here",
    provider_name="here",
    kind="embedded",
    upstream="smol",
    sees_images=False,
    reasons=False,
    context=8192,
    longest_answer=2048,
    policy=DataPolicy(region="here", retention_days=0, trains=False, checked=date(2026, 11, 21), url=""),
    host="this machine",
    takes_tools=False,
)
MESSAGES = [{"role": "user", "content": "Hi"}]
FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"type": "function", "function": FUNCTION}]


def way(model: Model, protocol: Protocol = Protocol.CHAT, **fields: Any) -> Way:
    raw = {
        name: msgspec.Raw(value if isinstance(value, bytes) else msgspec.json.encode(value)) for name, value in fields.items()
    }
    return way_to(
        model, Asked(protocol, raw, streams=False, wants_usage=False, input_estimate=1, now=datetime(2026, 11, 21, tzinfo=UTC))
    )


def test_tools_are_put_in_words() -> None:
    made = way(TOLD, messages=MESSAGES, tools=TOOLS)
    body = json.loads(made.body)

    assert "tools" not in body
    assert "weather" in body["messages"][0]["content"]
    assert made.trial is not None
    assert made.trial.messages == body["messages"]
    assert made.trial.model == body["model"] == "smol"


def test_a_template_with_a_place_for_them_gets_them_as_they_came() -> None:
    made = way(replace(TOLD, takes_tools=True), messages=MESSAGES, tools=TOOLS)

    assert json.loads(made.body)["tools"] == TOOLS
    assert made.trial is None


@pytest.mark.parametrize("odd", [b'"\\ud800"', b"[" * 3000 + b"]" * 3000, b"1e999"])
def test_what_is_not_about_tools_is_left_as_it_came(odd: bytes) -> None:
    assert odd in way(TOLD, messages=MESSAGES, tools=[], unknown=odd).body
    assert way(TOLD, messages=odd).trial is None


@pytest.mark.parametrize("field", ["tools", "messages"])
def test_what_is_about_tools_and_cannot_be_read_is_refused(field: str) -> None:
    for odd in ([{}], [3], {"a": 1}):
        given = {"messages": MESSAGES, "tools": TOOLS} | {field: odd}
        with pytest.raises(Exception, match=r"must be|cannot be translated"):
            way(TOLD, **given)


def test_responses_with_tools_become_chat_completions_and_others_stay() -> None:
    tools = [{"type": "function", **FUNCTION}]
    call = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "sunny"}

    told = way(TOLD, Protocol.RESPONSES, input="Hi", instructions="Be kind.", tools=tools, store=False)
    both = [
        call,
        call | {"call_id": "c2"},
        result,
        result | {"call_id": "c2", "output": [{"type": "input_text", "text": "wet"}]},
    ]
    said = way(TOLD, Protocol.RESPONSES, input=[*MESSAGES, *both])

    made = "Result of weather {}: "
    assert (told.protocol, said.protocol) == (Protocol.CHAT, Protocol.CHAT)
    assert json.loads(told.body)["messages"][0]["content"].startswith("Be kind.\n\nYou can call")
    assert json.loads(said.body)["messages"] == [{"role": "user", "content": f"Hi\n\n{made}sunny\n\n{made}wet"}]
    assert way(TOLD, Protocol.RESPONSES, input="Hi").protocol is Protocol.RESPONSES
    assert way(replace(TOLD, takes_tools=True), Protocol.RESPONSES, input="Hi", tools=tools).protocol is Protocol.RESPONSES


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reasoning": {"effort": "low"}}, "`reasoning`"),
        ({"include": ["reasoning.encrypted_content"]}, "`include`"),
        ({"text": {"verbosity": "low"}}, "`text.verbosity`"),
        ({"text": {"format": {"type": "grammar"}}}, "`text.format`"),
        ({"text": {"format": {"type": "json_object"}}}, "`response_format`"),
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "`tool_choice`"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "reasoning"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}]}, "input_file"),
        ({"input": [3]}, "`input`"),
    ],
)
def test_what_a_response_cannot_be_asked_is_refused_by_name(fields: Any, words: str) -> None:
    with pytest.raises(Problem, match=words):
        way(TOLD, Protocol.RESPONSES, **{"input": "Hi", "tools": [{"type": "function", **FUNCTION}], **fields})


def test_tokens_are_counted_of_what_the_model_reads() -> None:
    anthropic = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}

    counted = json.loads(way(TOLD, Protocol.COUNT_TOKENS, messages=MESSAGES, system="Be kind.", tools=[anthropic]).body)
    said = json.loads(way(TOLD, Protocol.MESSAGES, messages=MESSAGES, max_tokens=9, system="Be kind.", tools=[anthropic]).body)

    assert [{"role": "system", "content": counted["system"]}, *counted["messages"]] == said["messages"]
