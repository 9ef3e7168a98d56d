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
from tests.images import data_url, png

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
PICTURE = {"type": "input_image", "image_url": data_url(png()), "detail": "low"}


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


NULLS = {"type": "array", "items": {"type": "null"}}
FORM = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": NULLS}}


@pytest.mark.parametrize("more", [{}, {"tools": TOOLS, "tool_choice": "none"}])
def test_a_schema_of_the_answer_becomes_a_grammar_that_is_tried_first(more: Any) -> None:
    made = way(TOLD, messages=MESSAGES, response_format=FORM, **more)
    body = json.loads(made.body)

    assert "response_format" not in body
    assert body["grammar"].startswith('%llguidance {}\nstart: %json {"type":"array","items":{"type":"null"},"x-guidance"')
    assert made.trial is not None
    assert made.trial.together == body["grammar"].replace("start: ", 'start: "~" ')
    assert made.trial.single == {}


def test_a_schema_in_the_other_protocols_is_held_to_as_well() -> None:
    form = {"type": "json_schema", "name": "n", "strict": True, "schema": NULLS}

    made = [
        way(TOLD, messages=MESSAGES, response_format=FORM),
        way(TOLD, Protocol.RESPONSES, input=MESSAGES, text={"format": form}),
        way(
            TOLD,
            Protocol.MESSAGES,
            messages=MESSAGES,
            max_tokens=9,
            output_config={"format": {"type": "json_schema", "schema": NULLS}},
        ),
    ]

    assert len({one.trial.together for one in made if one.trial}) == 1
    assert len({json.loads(one.body)["grammar"] for one in made}) == 1


def test_a_schema_stays_one_for_a_template_with_a_place_for_tools() -> None:
    made = way(replace(TOLD, takes_tools=True), messages=MESSAGES, response_format=FORM)

    assert json.loads(made.body)["response_format"] == FORM
    assert made.trial is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"response_format": {"type": "json_schema"}}, "`response_format.json_schema.schema`"),
        ({"response_format": FORM, "grammar": "root ::= [a]"}, "`grammar`"),
        ({"response_format": FORM, "tools": TOOLS}, "`response_format` and call `tools`"),
    ],
)
def test_what_cannot_be_held_to_is_refused_by_name(fields: Any, words: str) -> None:
    with pytest.raises(Problem, match=words):
        way(TOLD, messages=MESSAGES, **fields)


@pytest.mark.parametrize("odd", [b'"\\ud800"', b"[" * 3000 + b"]" * 3000, b"1e999"])
def test_what_nobody_here_reads_is_left_as_it_came_and_nothing_else(odd: bytes) -> None:
    """The engine may read what we cannot: addresses to fetch, or tools to leave out in silence."""
    assert odd in way(TOLD, messages=MESSAGES, tools=[], unknown=odd).body
    for field in ("messages", "tools", "response_format"):
        with pytest.raises(Problem, match=f"`{field}` cannot be read"):
            way(TOLD, **{"messages": MESSAGES, field: odd})
    with pytest.raises(Problem, match="`input` cannot be read"):
        way(TOLD, Protocol.EMBEDDINGS, input=odd)


def test_an_image_among_instructions_is_looked_at_too() -> None:
    remote = {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/"}}

    with pytest.raises(Problem, match="Send the image itself"):
        way(replace(TOLD, sees_images=True), Protocol.COUNT_TOKENS, messages=MESSAGES, system=[remote])


def test_a_model_that_sees_is_sent_what_was_read() -> None:
    twice = b'[{"role": "user", "content": [{"type": "image_url", "type": "text", "text": "Hi"}]}]'

    made = way(replace(TOLD, sees_images=True), messages=twice)

    assert b"image_url" not in made.body


@pytest.mark.parametrize("field", ["tools", "messages"])
def test_what_is_about_tools_and_cannot_be_read_is_refused(field: str) -> None:
    for odd in ([{}], [3], {"a": 1}):
        given = {"messages": MESSAGES, "tools": TOOLS} | {field: odd}
        with pytest.raises(Exception, match=r"must be|cannot be translated"):
            way(TOLD, **given)


def test_responses_become_chat_completions() -> None:
    said = [
        {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
        {"role": "user", "content": "Go on."},
    ]
    form = {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": {"type": "object"}}}

    made = way(
        replace(TOLD, takes_tools=True),
        Protocol.RESPONSES,
        input=said,
        instructions="Be kind.",
        max_output_tokens=9,
        top_p=0.5,
        text=form,
    )

    assert made.protocol is Protocol.CHAT
    assert json.loads(made.body) == {
        "model": "smol",
        "messages": [
            {"role": "system", "content": "Be kind.\n\nBe brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Go on."},
        ],
        "stream": False,
        "max_tokens": 9,
        "top_p": 0.5,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}}},
    }
    assert made.left_out == ("reasoning",)


def test_a_response_shows_images_to_a_model_that_sees() -> None:
    said = [{"role": "user", "content": [{"type": "input_text", "text": "What is it?"}, PICTURE]}]

    made = json.loads(way(replace(TOLD, sees_images=True), Protocol.RESPONSES, input=said).body)

    shown = {"type": "image_url", "image_url": {"url": data_url(png()), "detail": "low"}}
    assert made["messages"] == [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, shown]}]


def test_an_image_leaves_in_the_form_that_was_looked_at() -> None:
    shown = {"type": "image_url", "image_url": {"url": data_url(png(), "image/x;note=http://127.0.0.1/"), "detail": "low"}}
    said = [{"role": "user", "content": [shown]}]

    made = way(replace(TOLD, sees_images=True), messages=said)

    held = {"type": "image_url", "image_url": {"url": data_url(png())}}
    assert json.loads(made.body)["messages"] == [{"role": "user", "content": [held]}]
    assert made.shows_images
    assert not way(replace(TOLD, sees_images=True), messages=MESSAGES).shows_images


@pytest.mark.parametrize(
    "item",
    [{"role": "developer", "content": [PICTURE]}, {"type": "function_call_output", "call_id": "c1", "output": [PICTURE]}],
)
def test_a_response_shows_no_image_where_only_text_is_read(item: Any) -> None:
    with pytest.raises(Problem, match="an image in an instruction or in a tool's output"):
        way(replace(TOLD, sees_images=True), Protocol.RESPONSES, input=[item])


def test_a_responses_tools_stay_tools_for_a_template_with_a_place_for_them() -> None:
    tools = [{"type": "function", **FUNCTION}]

    made = way(
        replace(TOLD, takes_tools=True),
        Protocol.RESPONSES,
        input="Hi",
        tools=tools,
        tool_choice={"type": "function", "name": "weather"},
        parallel_tool_calls=True,
    )
    body = json.loads(made.body)

    assert body["tools"] == TOOLS
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ({"type": "function", "function": {"name": "weather"}}, True)
    assert made.trial is None


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "alice", "safety_identifier": "a", "metadata": {"a": "b"}, "prompt_cache_key": "a"},
        {"prompt_cache_retention": "24h", "prompt_cache_options": {"ttl": "30m"}},
        {"service_tier": "auto", "top_logprobs": 0, "store": False, "background": False, "include": [], "tools": []},
        {"service_tier": "default", "truncation": "disabled", "tool_choice": "auto"},
        {"reasoning": {"effort": None}, "stream_options": {"include_obfuscation": False}, "text": {"verbosity": "medium"}},
        dict.fromkeys(("reasoning", "text", "stream_options", "previous_response_id", "conversation", "prompt")),
    ],
)
def test_what_asks_a_response_for_nothing_more_is_no_hindrance(fields: Any) -> None:
    made = way(TOLD, Protocol.RESPONSES, input="Hi", **fields)

    assert json.loads(made.body) == {"model": "smol", "messages": MESSAGES, "stream": False}
    assert made.left_out == ()


def test_what_is_only_a_hint_to_a_response_is_left_out_and_named() -> None:
    made = way(TOLD, Protocol.RESPONSES, input="Hi", truncation="auto", max_tool_calls=3)

    assert json.loads(made.body) == {"model": "smol", "messages": MESSAGES, "stream": False}
    assert made.left_out == ("max_tool_calls", "truncation")


def test_a_responses_tools_are_put_in_words() -> None:
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


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reasoning": {"effort": "low"}}, "`reasoning.effort`"),
        ({"include": ["reasoning.encrypted_content"]}, "`include`"),
        ({"text": {"verbosity": "low"}}, "`text.verbosity`"),
        ({"service_tier": "flex"}, "`service_tier`"),
        ({"top_logprobs": 2}, "`top_logprobs`"),
        ({"stream_options": {"include_obfuscation": True}}, "`stream_options.include_obfuscation`"),
        ({"prompt": {"id": "pmpt_1"}}, "`prompt`"),
        ({"seed": 1}, "`seed`"),
        ({"tools": [], "tool_choice": "required"}, "`tool_choice`"),
        ({"stream_options": {"unheard_of": 1}}, "`stream_options.unheard_of`"),
        ({"text": {"unheard_of": 1}}, "`text.unheard_of`"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
        ({"input": [{"type": "unheard_of", "role": "user", "content": "Hi"}]}, "unheard_of"),
        ({"input": [{"type": "unheard_of", "role": "system", "content": "Hi"}]}, "unheard_of"),
        ({"text": {"format": {"type": "grammar"}}}, "`text.format`"),
        ({"text": {"format": {"type": "json_object"}}}, "`response_format`"),
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "`tool_choice`"),
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
