"""Responses of the model that runs on this machine, by OpenAI's SDK: all it reads of them has the types that it declares."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import openai
import pydantic
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from chat.providers.weights import EmbeddedModel
from tests.gateway.sdk import Sdk
from tests.gateway.site import ApiSite, api_site

pytestmark = [pytest.mark.server, pytest.mark.engine]

MODEL = "smollm2-135m"
ASKED: dict[str, Any] = {"model": MODEL, "input": "Say hello.", "max_output_tokens": 40, "temperature": 0}
PERSON = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"], "additionalProperties": False}
FORM = {"format": {"type": "json_schema", "name": "person", "strict": True, "schema": PERSON}}
EVENT: Any = pydantic.TypeAdapter(Annotated[ResponseStreamEvent, pydantic.Field(discriminator="type")])


@pytest.fixture(scope="module")
def api(weights: EmbeddedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    with api_site("gunicorn", {}, tmp_path_factory.mktemp("responses"), CHAT_EMBEDDED_MODEL=str(weights.path)) as started:
        yield started


def test_a_response_has_the_types_that_the_sdk_declares(openai_client: Sdk, api: ApiSite) -> None:
    answer = openai_client("responses.create", **ASKED)

    Response.model_validate(answer.to_dict())
    assert answer.output_text
    assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
    assert answer.model == MODEL
    assert answer.usage.input_tokens > 3
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert [(row.status, row.estimated) for row in api.settled(1)] == [("done", False)]


def test_a_streams_events_have_the_types_that_the_sdk_declares(openai_client: Sdk, api: ApiSite) -> None:
    events = openai_client.events("responses.create", **ASKED)

    for one in events:
        EVENT.validate_python(one.to_dict())
    assert [one.sequence_number for one in events] == list(range(len(events)))
    assert [one.type for one in events if not one.type.endswith(".delta")] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [one for one in events if one.type == "response.output_text.delta"]
    (item,) = events[-1].response.output
    assert {(one.item_id, one.output_index, one.content_index) for one in deltas} == {(item.id, 0, 0)}
    assert len(deltas) > 3
    assert "".join(one.delta for one in deltas) == events[-1].response.output_text
    assert events[-1].response.usage.output_tokens >= len(deltas)
    assert [(row.status, row.estimated) for row in api.settled(1)] == [("done", False)]


def test_the_sdks_own_helper_puts_a_stream_together(openai_client: Sdk) -> None:
    whole = openai_client("responses.create", **ASKED)

    final = openai_client.final("responses.stream", "get_final_response", **ASKED)

    assert final.output_text == whole.output_text
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.status == "completed"


def test_the_sdks_own_helper_shows_what_came_so_far(api: ApiSite) -> None:
    with openai.OpenAI(base_url=f"{api.url}/v1", api_key=api.key).responses.stream(**ASKED) as stream:
        said = [(one.delta, one.snapshot) for one in stream if one.type == "response.output_text.delta"]

    assert said[-1][1] == "".join(delta for delta, _ in said) != ""


@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_that_is_cut_off_is_incomplete(openai_client: Sdk, streams: bool) -> None:
    arguments = ASKED | {"input": "Write a long story about a lighthouse.", "max_output_tokens": 16}

    answer = (
        openai_client.events("responses.create", **arguments)[-1].response
        if streams
        else openai_client("responses.create", **arguments)
    )

    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == 16
    assert answer.output_text


def test_a_schema_is_kept_to(openai_client: Sdk) -> None:
    whole = openai_client("responses.create", text=FORM, **ASKED)
    streamed = openai_client.final("responses.stream", "get_final_response", text=FORM, **ASKED)

    for one in (whole, streamed):
        assert isinstance(json.loads(one.output_text)["age"], int)


@pytest.mark.parametrize("part", [{"pattern": "(a"}, {"type": "town"}, {"$ref": "#/nowhere"}])
@pytest.mark.parametrize("streams", [False, True])
def test_a_schema_that_is_wrong_is_refused(openai_client: Sdk, part: Any, streams: bool) -> None:
    """llama.cpp leaves out in silence what it cannot read of one."""
    schema = {"type": "object", "properties": {"city": {"type": "string"} | part}, "required": ["city"]}
    named = {"name": "city", "strict": True, "schema": schema}
    messages = [{"role": "user", "content": "Hi"}]
    chat = {"model": MODEL, "messages": messages, "response_format": {"type": "json_schema", "json_schema": named}}

    with pytest.raises(openai.BadRequestError, match="cannot be held to the JSON schema"):
        openai_client("responses.create", text={"format": {"type": "json_schema", **named}}, stream=streams, **ASKED)
    with pytest.raises(openai.BadRequestError, match="cannot be held to the JSON schema"):
        openai_client("chat.completions.create", stream=streams, **chat)


def test_a_schema_of_another_type_is_kept_to(openai_client: Sdk) -> None:
    form = {"type": "json_schema", "name": "sizes", "strict": True, "schema": {"enum": ["small", "large"]}}

    assert json.loads(openai_client("responses.create", text={"format": form}, **ASKED).output_text) in ("small", "large")


def test_a_class_is_parsed_by_the_sdk(openai_client: Sdk) -> None:
    class Weather(pydantic.BaseModel):
        degrees: int
        unit: Literal["C", "F"]

    whole = openai_client("responses.parse", text_format=Weather, **ASKED)
    streamed = openai_client.final("responses.stream", "get_final_response", text_format=Weather, **ASKED)

    assert isinstance(whole.output_parsed, Weather)
    assert streamed.output_parsed == whole.output_parsed


def test_json_of_any_form(openai_client: Sdk) -> None:
    arguments = ASKED | {"input": "Reply with a short JSON object about Rome.", "max_output_tokens": 200}

    answer = openai_client("responses.create", text={"format": {"type": "json_object"}}, **arguments)

    assert answer.output_text.startswith("{")


def test_instructions_and_the_conversation_are_read(openai_client: Sdk) -> None:
    said = openai_client("responses.create", **ASKED | {"input": "My name is Zephyrine. Say hello."})
    turns = [{"role": "user", "content": "My name is Zephyrine. Say hello."}, *said.output]
    parts = [{"type": "input_text", "text": "What is my name?"}]

    answer = openai_client("responses.create", **ASKED | {"input": [*turns, {"role": "user", "content": parts}]})
    told = openai_client("responses.create", instructions="Your name is Zephyrine.", **ASKED | {"input": "What is your name?"})

    assert "Zephyrine" in answer.output_text
    assert "Zephyrine" in told.output_text


def test_what_would_have_to_be_kept_is_refused_with_the_reason(openai_client: Sdk) -> None:
    for field, value in (("store", True), ("previous_response_id", "resp_1"), ("background", True)):
        with pytest.raises(openai.BadRequestError, match=f"`{field}"):
            openai_client("responses.create", **ASKED | {field: value})


def test_a_hint_is_left_out_and_named(openai_client: Sdk) -> None:
    answer = openai_client("responses.with_raw_response.create", truncation="auto", user="alice", metadata={"a": "b"}, **ASKED)

    assert answer.headers["x-candor-left-out"] == "truncation"
    assert answer.parse().metadata == {}


def test_a_failure_is_the_sdks_own(openai_client: Sdk) -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}

    with pytest.raises(openai.BadRequestError, match="does not see images"):
        openai_client("responses.create", **ASKED | {"input": [{"role": "user", "content": [picture]}]})
    with pytest.raises(openai.BadRequestError):
        openai_client("responses.create", **ASKED | {"input": "word " * 9000})
