"""Tools with the model that runs on this machine, by both official SDKs: its template has no place for them, and they work."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

import anthropic
import jsonschema
import openai
import pydantic
import pytest

from chat.providers.weights import EmbeddedModel
from tests.gateway.provider import Provider
from tests.gateway.sdk import Sdk
from tests.gateway.site import ApiSite, api_site, models

pytestmark = [pytest.mark.server, pytest.mark.engine]

MODEL = "smollm2-135m"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASKED = [{"role": "user", "content": "How is the weather in Lisbon?"}]


def function(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    described = {"name": name, "description": f"The {name} of a city", "parameters": schema}
    return {"type": "function", "function": described | more}


WEATHER, TIME = function("weather", CITY), function("time", CITY)
ARGUMENTS: dict[str, Any] = {"model": MODEL, "messages": ASKED, "max_tokens": 60, "temperature": 0}


@pytest.fixture(scope="module")
def api(weights: EmbeddedModel, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    """The embedded model, and `first-here`: the same, or where it cannot, another provider's."""
    policy = {"region": "this machine", "retention_days": 0, "trains": False, "checked": date(2026, 11, 21)}
    here = {"id": MODEL, "name": MODEL, "upstream": "smollm2", "context": 8192, "longest_answer": 2048}
    profile = {
        "providers": [
            {"id": "embedded", "name": "This machine", "kind": "embedded", "policy": policy, "models": [here]},
            *models(provider.url, ["ok"]),
        ],
        "routes": [{"name": "first-here", "models": [{"id": MODEL, "weight": 1}, {"id": "gpt-ok", "weight": 0}]}],
    }
    folder = tmp_path_factory.mktemp("tools")
    with api_site("gunicorn", profile, folder, CHAT_EMBEDDED_MODEL=str(weights.path)) as started:
        yield started


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_call_that_is_required_is_made(openai_client: Sdk, choice: Any) -> None:
    answer = openai_client("chat.completions.create", tools=[WEATHER, TIME], tool_choice=choice, **ARGUMENTS).choices[0]

    (call,) = answer.message.tool_calls
    assert answer.finish_reason == "tool_calls"
    assert answer.message.content is None
    assert call.function.name in (("weather",) if isinstance(choice, dict) else ("weather", "time"))
    jsonschema.validate(json.loads(call.function.arguments), CITY)


def test_a_call_arrives_in_pieces(openai_client: Sdk, api: ApiSite) -> None:
    arguments = ARGUMENTS | {"tools": [WEATHER], "tool_choice": "required"}

    chunks = openai_client.events("chat.completions.create", stream_options={"include_usage": True}, **arguments)
    final = openai_client.final("chat.completions.stream", "get_final_completion", **arguments).choices[0]

    deltas = [one.choices[0].delta for one in chunks if one.choices]
    first, *rest = [one.tool_calls[0] for one in deltas if one.tool_calls]
    assert (first.index, first.type, first.function.name, first.function.arguments) == (0, "function", "weather", "")
    assert first.id
    assert len(rest) > 3
    assert {(one.id, one.function.name) for one in rest} == {(None, None)}
    jsonschema.validate(json.loads("".join(one.function.arguments for one in rest)), CITY)
    assert not any(one.content for one in deltas)
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "tool_calls"
    assert chunks[-1].usage.completion_tokens > 3
    assert final.message.tool_calls[0].function.parsed_arguments is None  # it is not strict
    jsonschema.validate(json.loads(final.message.tool_calls[0].function.arguments), CITY)
    assert [(row.status, row.estimated) for row in api.settled(2)] == [("done", False)] * 2


def test_a_strict_one_is_parsed_by_the_sdk(openai_client: Sdk) -> None:
    class Weather(pydantic.BaseModel):
        city: str
        unit: Literal["C", "F"]

    tools = [openai.pydantic_function_tool(Weather)]

    answer = openai_client("chat.completions.parse", tools=tools, tool_choice="required", **ARGUMENTS).choices[0]

    assert isinstance(answer.message.tool_calls[0].function.parsed_arguments, Weather)


@pytest.mark.parametrize("streams", [False, True])
def test_its_result_is_answered(openai_client: Sdk, streams: bool) -> None:
    """With the choice left to the model: it neither calls again, nor leaves the result out."""
    asked = openai_client("chat.completions.create", tools=[WEATHER], tool_choice="required", **ARGUMENTS).choices[0].message
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "sunny, 24 degrees"}
    arguments = ARGUMENTS | {"messages": [*ASKED, asked.model_dump(exclude_none=True), result], "tools": [WEATHER]}

    if streams:
        deltas = [one.choices[0].delta for one in openai_client.events("chat.completions.create", **arguments) if one.choices]
        said, calls = "".join(one.content or "" for one in deltas), [one for one in deltas if one.tool_calls]
    else:
        answer = openai_client("chat.completions.create", **arguments).choices[0].message
        said, calls = answer.content, answer.tool_calls or []

    assert calls == []
    assert "sunny" in said


def test_the_model_may_choose(openai_client: Sdk) -> None:
    tools = [WEATHER, function("send_email", {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]})]
    poem = ARGUMENTS | {"messages": [{"role": "user", "content": "Write a short poem about the sea."}]}

    call = openai_client("chat.completions.create", tools=tools, **ARGUMENTS).choices[0]
    talk = openai_client("chat.completions.create", tools=tools, **poem).choices[0]
    chunks = openai_client.events("chat.completions.create", tools=tools, **poem)

    assert [one.function.name for one in call.message.tool_calls] == ["weather"]
    assert json.loads(call.message.tool_calls[0].function.arguments) == {"city": "Lisbon"}
    assert talk.message.tool_calls is None
    said = [one.choices[0].delta.content for one in chunks if one.choices and one.choices[0].delta.content]
    assert "".join(said) == talk.message.content
    assert len(said) > 20


def test_none_of_them_is_told(openai_client: Sdk) -> None:
    without = openai_client("chat.completions.create", **ARGUMENTS)
    none = openai_client("chat.completions.create", tools=[WEATHER], tool_choice="none", **ARGUMENTS)

    assert none.usage.prompt_tokens == without.usage.prompt_tokens
    assert none.choices[0].message.content == without.choices[0].message.content


def test_a_call_that_is_cut_off_says_so(openai_client: Sdk) -> None:
    arguments = ARGUMENTS | {"tools": [WEATHER], "tool_choice": "required"}

    for most in (1, 3, 11):
        answer = openai_client("chat.completions.create", **arguments | {"max_tokens": most}).choices[0]
        chunks = openai_client.events("chat.completions.create", **arguments | {"max_tokens": most})

        assert answer.finish_reason == chunks[-1].choices[0].finish_reason == "length"
        calls = [one.choices[0].delta.tool_calls[0] for one in chunks if one.choices[0].delta.tool_calls]
        assert "".join(one.function.arguments for one in calls) == "".join(
            one.function.arguments for one in answer.message.tool_calls or ()
        )
        assert bool(calls) is (most == 11)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"city": {"$ref": "#/$defs/City"}}},
        {"type": "object", "properties": {"city": {"type": "town"}}},
        {"type": "object", "properties": {"city": {"type": "string", "pattern": "(a"}}},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_that_is_wrong_is_refused_by_the_tools_name(openai_client: Sdk, schema: dict[str, Any], stream: bool) -> None:
    """llama.cpp leaves such a grammar out in silence, and answers as it likes."""
    with pytest.raises(openai.BadRequestError, match="`weather_2`") as refused:
        openai_client("chat.completions.create", tools=[WEATHER, function("weather_2", schema)], stream=stream, **ARGUMENTS)

    assert refused.value.code == "not_supported_by_model"


@pytest.mark.parametrize("depth", [110, 20_000])
def test_a_schema_too_deep_for_a_grammar_is_refused(api: ApiSite, depth: int) -> None:
    deep = '{"type": "object", "properties": {"a": ' * depth + "{}" + "}}" * depth
    body = json.dumps(ARGUMENTS | {"tools": [function("weather", {"deep": 0})]}).replace('{"deep": 0}', deep)

    with api.http() as http:
        answer = http.post("/v1/chat/completions", content=body, timeout=120)  # a long prompt, on a machine that may be busy
        again = http.post("/v1/chat/completions", json=ARGUMENTS | {"tools": [WEATHER], "tool_choice": "required"})

    assert (answer.status_code, again.status_code) == (400, 200)


def test_many_tools_are_told(openai_client: Sdk) -> None:
    tools = [function(f"weather_{number}", CITY) for number in range(20)]

    answer = openai_client("chat.completions.create", tools=tools, tool_choice="required", **ARGUMENTS).choices[0]

    assert answer.message.tool_calls[0].function.name.startswith("weather_")


def test_strict_is_kept_to_or_refused(openai_client: Sdk) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "not": {"const": "Lisbon"}}}, "required": ["city"]}
    arguments = ARGUMENTS | {"tool_choice": "required"}

    with pytest.raises(openai.BadRequestError, match="`weather`"):
        openai_client("chat.completions.create", tools=[function("weather", schema, strict=True)], **arguments)

    assert (
        openai_client("chat.completions.create", tools=[function("weather", schema)], **arguments).choices[0].message.tool_calls
    )


def test_what_cannot_be_done_in_the_same_answer_is_refused(openai_client: Sdk) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": CITY}}

    with pytest.raises(openai.BadRequestError, match="response_format"):
        openai_client("chat.completions.create", tools=[WEATHER], response_format=form, **ARGUMENTS)
    with pytest.raises(openai.BadRequestError, match="web_search"):
        openai_client("responses.create", model=MODEL, input="Hi", tools=[{"type": "web_search"}])

    answer = openai_client("chat.completions.create", tools=[WEATHER], tool_choice="none", response_format=form, **ARGUMENTS)
    jsonschema.validate(json.loads(answer.choices[0].message.content), CITY)


RESPONSE: dict[str, Any] = {"model": MODEL, "input": ASKED, "max_output_tokens": 60, "temperature": 0}
RESPONSE |= {"tools": [{"type": "function", **WEATHER["function"]}]}


def test_a_response_calls_a_tool_and_answers_with_its_result(openai_client: Sdk) -> None:
    asked = openai_client("responses.create", **RESPONSE | {"tool_choice": "required"})
    (call,) = asked.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 24 degrees"}
    answer = openai_client("responses.create", **RESPONSE | {"input": [*ASKED, call, result]})

    assert (call.type, call.name, asked.status) == ("function_call", "weather", "completed")
    jsonschema.validate(json.loads(call.arguments), CITY)
    assert asked.usage.output_tokens > 3
    assert "sunny" in answer.output_text


def test_a_response_is_streamed(openai_client: Sdk, api: ApiSite) -> None:
    events = openai_client.events("responses.create", **RESPONSE | {"tool_choice": "required"})
    final = openai_client.final("responses.stream", "get_final_response", **RESPONSE | {"tool_choice": "required"})
    words = openai_client.events("responses.create", **RESPONSE | {"input": "Write a short poem about the sea."})

    (call,) = final.output
    arguments = [one.delta for one in events if one.type == "response.function_call_arguments.delta"]
    assert len(arguments) > 3
    assert "".join(arguments) == call.arguments
    jsonschema.validate(json.loads(call.arguments), CITY)
    assert [one.sequence_number for one in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    said = "".join(one.delta for one in words if one.type == "response.output_text.delta")
    assert words[-1].type == "response.incomplete"
    assert words[-1].response.output_text == said != ""
    assert words[-1].response.incomplete_details.reason == "max_output_tokens"
    assert [(row.status, row.estimated) for row in api.settled(3)] == [("done", False)] * 3


TOOL = {"name": "weather", "description": "The weather of a city", "input_schema": CITY}
MESSAGE: dict[str, Any] = {"model": MODEL, "messages": ASKED, "max_tokens": 60, "tools": [TOOL]}
MESSAGE |= {"extra_body": {"temperature": 0}}  # which this client no longer has a name for


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "weather"}])
def test_a_message_calls_a_tool(anthropic_client: Sdk, choice: Any) -> None:
    message = anthropic_client("messages.create", tool_choice=choice, **MESSAGE)
    streamed = anthropic_client.final("messages.stream", "get_final_message", tool_choice=choice, **MESSAGE)

    for one in (message, streamed):
        (block,) = one.content
        assert (block.type, block.name, one.stop_reason) == ("tool_use", "weather", "tool_use")
        jsonschema.validate(block.input, CITY)
        assert one.usage.output_tokens > 3
    assert message.content[0].id != streamed.content[0].id


def test_a_result_is_answered_by_a_message(anthropic_client: Sdk) -> None:
    asked = anthropic_client("messages.create", tool_choice={"type": "any"}, **MESSAGE)
    result = {"type": "tool_result", "tool_use_id": asked.content[0].id, "content": "sunny, 24 degrees"}
    told = [*ASKED, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]

    answer = anthropic_client("messages.create", **MESSAGE | {"messages": told})
    streamed = anthropic_client.final("messages.stream", "get_final_message", **MESSAGE | {"messages": told})

    for one in (answer, streamed):
        (block,) = one.content
        assert block.type == "text"
        assert "sunny" in block.text


def test_a_message_says_what_cannot_be_done(anthropic_client: Sdk) -> None:
    bad = TOOL | {"input_schema": {"type": "object", "properties": {"city": {"$ref": "#/nowhere"}}}}

    with pytest.raises(anthropic.BadRequestError, match="`weather`"):
        anthropic_client("messages.create", **MESSAGE | {"tools": [bad]})


def test_tools_are_counted_as_they_are_told(anthropic_client: Sdk) -> None:
    counted = anthropic_client("messages.count_tokens", model=MODEL, messages=ASKED, tools=[TOOL])
    without = anthropic_client("messages.count_tokens", model=MODEL, messages=ASKED)
    used = anthropic_client("messages.create", **MESSAGE).usage

    assert counted.input_tokens > without.input_tokens + 20
    assert abs(counted.input_tokens - used.input_tokens - used.cache_read_input_tokens) <= 2


def test_a_request_that_may_call_no_tool_is_counted_without_them(anthropic_client: Sdk) -> None:
    none = {"tools": [TOOL], "tool_choice": {"type": "none"}}
    counted = anthropic_client("messages.count_tokens", model=MODEL, messages=ASKED, **none)

    assert counted.input_tokens == anthropic_client("messages.count_tokens", model=MODEL, messages=ASKED).input_tokens


def test_leaving_in_the_middle_of_a_call_ends_the_engines_work(openai_client: Sdk, api: ApiSite) -> None:
    story = {"type": "object", "properties": {"story": {"type": "string", "minLength": 4000}}, "required": ["story"]}
    arguments = ARGUMENTS | {"tools": [function("tell", story)], "tool_choice": "required", "max_tokens": 2000}

    got = openai_client.events("chat.completions.create", most=6, **arguments)

    assert got[-1].choices[0].delta.tool_calls
    (row,) = api.settled(1)
    assert (row.status, row.estimated) == ("stopped", True)


def test_another_model_of_the_route_is_asked_for_what_it_cannot(api: ApiSite, provider: Provider) -> None:
    bad = function("weather", {"type": "object", "properties": {"city": {"$ref": "#/nowhere"}}})
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    seen = [{"role": "user", "content": [picture]}]

    with api.http() as http:
        can, cannot, sees = (
            http.post("/v1/chat/completions", json=ARGUMENTS | {"model": "first-here"} | more)
            for more in ({"tools": [WEATHER], "tool_choice": "required"}, {"tools": [bad]}, {"messages": seen})
        )

    assert [one.headers["x-candor-provider"] for one in (can, cannot, sees)] == ["embedded", "gate", "gate"]
    assert {one.json()["choices"][0]["finish_reason"] for one in (can, cannot)} == {"tool_calls"}
    assert [call.body.get("tools") for call in provider.calls[-2:]] == [[bad], None]
