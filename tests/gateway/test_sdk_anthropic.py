"""Anthropic's own SDK, unchanged, sync and async: on a model of its protocol, and on one of OpenAI's."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from tests.gateway.provider import Provider
from tests.gateway.sdk import KINDS, Sdk, anthropic_sdk
from tests.gateway.site import ApiSite
from tests.images import png

pytestmark = pytest.mark.server

HI = [{"role": "user", "content": "Hi"}]
DATA = base64.b64encode(png()).decode()
WEATHER = {
    "name": "get_weather",
    "description": "The weather now",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
BOTH = pytest.mark.parametrize("model", ["claude-ok", "gpt-ok"])


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(params=KINDS)
def sdk(request: pytest.FixtureRequest, api: ApiSite) -> Iterator[Sdk]:
    with anthropic_sdk(request.param, api.url, api.key) as opened:
        yield opened


@BOTH
def test_an_answer(sdk: Sdk, model: str) -> None:
    answer = sdk("messages.create", model=model, max_tokens=50, messages=HI, system="Be brief.")

    assert [one.text for one in answer.content] == ["Hello, world."]
    assert answer.stop_reason == "end_turn"
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens) == (7, 4, 2)
    assert answer._request_id.startswith("req_")


@BOTH
def test_a_stream(sdk: Sdk, model: str) -> None:
    answer = sdk.final("messages.stream", "get_final_message", model=model, max_tokens=50, messages=HI)

    assert [one.text for one in answer.content] == ["Hello, world."]
    assert (answer.stop_reason, answer.usage.output_tokens) == ("end_turn", 4)


@BOTH
def test_the_streams_events_come_in_order(sdk: Sdk, model: str) -> None:
    kinds = [one.type for one in sdk.events("messages.create", model=model, max_tokens=50, messages=HI)]

    middle = [one for one in kinds if one not in ("ping", "content_block_delta")]
    assert middle == ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]


@BOTH
@pytest.mark.parametrize("streams", [False, True])
def test_a_tool_is_called_and_its_result_read(sdk: Sdk, model: str, streams: bool) -> None:
    asked: dict[str, Any] = {"model": model, "max_tokens": 50, "tools": [WEATHER]}
    if streams:
        answer = sdk.final("messages.stream", "get_final_message", messages=HI, **asked)
    else:
        answer = sdk("messages.create", messages=HI, **asked)
    call = answer.content[0]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "12 degrees"}
    said = {"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}]}

    last = sdk("messages.create", messages=[*HI, said, {"role": "user", "content": [result]}], **asked)

    assert answer.stop_reason == "tool_use"
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    assert last.content[0].text == "The tool said 12 degrees"


@BOTH
def test_an_answer_in_a_schema(sdk: Sdk, model: str) -> None:
    answer = sdk("messages.parse", model=model, max_tokens=50, messages=HI, output_format=Person)

    assert answer.parsed_output == Person(name="Ada", age=36)


@BOTH
def test_a_picture_arrives(sdk: Sdk, provider: Provider, model: str) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
    said = [picture, {"type": "text", "text": "What is this?"}]

    answer = sdk("messages.create", model=model, max_tokens=50, messages=[{"role": "user", "content": said}])

    assert DATA in answer.content[0].text
    if model == "gpt-ok":
        sent = provider.last().body["messages"][0]["content"][0]
        assert sent == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}


@BOTH
def test_a_limit_that_is_reached_is_told(sdk: Sdk, model: str) -> None:
    answer = sdk("messages.create", model=model, max_tokens=1, messages=HI)

    assert answer.stop_reason == "max_tokens"


def test_tokens_are_counted(sdk: Sdk) -> None:
    assert sdk("messages.count_tokens", model="claude-ok", messages=HI).input_tokens == 14


def test_tokens_are_not_counted_for_a_model_that_cannot(sdk: Sdk) -> None:
    with pytest.raises(anthropic.BadRequestError, match="gpt-ok"):
        sdk("messages.count_tokens", model="gpt-ok", messages=HI)


def test_the_models(sdk: Sdk) -> None:
    assert {"gpt-ok", "claude-ok"} <= {one.id for one in sdk.listed("models.list")}
    assert sdk("models.retrieve", model_id="claude-ok").display_name == "claude-ok"


def test_what_nobody_here_has_heard_of_arrives_untouched(sdk: Sdk, provider: Provider) -> None:
    unknown = {"never_heard_of": {"a": [1.5, None, "ü"]}, "top_k": 5}
    more = {"stop_sequences": ["end"], "thinking": {"type": "enabled", "budget_tokens": 1024}}
    document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
    messages = [{"role": "user", "content": [document]}]

    sdk("messages.create", model="claude-ok", max_tokens=2000, messages=messages, extra_body=unknown, **more)

    sent = provider.last().body
    assert {name: sent[name] for name in (*unknown, *more)} == unknown | more
    assert sent["messages"] == messages


@BOTH
def test_no_provider_is_told_who_asks(sdk: Sdk, provider: Provider, model: str) -> None:
    sdk("messages.create", model=model, max_tokens=50, messages=HI, metadata={"user_id": "alice"})

    call = provider.last()
    assert "alice" not in str(call.body)
    assert "ck-" not in str(call.headers)
    assert not [name for name in call.headers if name.startswith(("x-stainless", "x-forwarded", "cookie"))]


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("top_k", 5, "`top_k`"),
        ("stop_sequences", list("abcde"), "more than 4 `stop_sequences`"),
        ("tools", [{"type": "web_search_20250305", "name": "web_search"}], "web_search"),
        ("mcp_servers", [], "`mcp_servers`"),
    ],
)
def test_what_openai_has_no_word_for_is_refused_by_name(
    sdk: Sdk, provider: Provider, field: str, value: Any, name: str
) -> None:
    before = len(provider.calls)

    with pytest.raises(anthropic.BadRequestError) as refusal:
        sdk("messages.create", model="gpt-ok", max_tokens=50, messages=HI, extra_body={field: value})

    assert name in refusal.value.message
    assert len(provider.calls) == before


@BOTH
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (404, anthropic.NotFoundError),
        (401, anthropic.InternalServerError),
        (429, anthropic.InternalServerError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_a_providers_failure(sdk: Sdk, model: str, status: int, error: type[anthropic.APIStatusError], streams: bool) -> None:
    with pytest.raises(error) as raised:
        sdk("messages.create", model=model.replace("ok", f"e{status}"), max_tokens=50, messages=HI, stream=streams)

    said: Any = raised.value.body
    assert said["type"] == "error"
    assert said["request_id"].startswith("req_")
    assert ("cannot do" in said["error"]["message"]) is (status in (400, 404))


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_classes(api: ApiSite, kind: Any) -> None:
    asked: dict[str, Any] = {"model": "claude-ok", "max_tokens": 50, "messages": HI}
    with anthropic_sdk(kind, api.url, "ck-wrong") as stranger, pytest.raises(anthropic.AuthenticationError):
        stranger("messages.create", **asked)
    with anthropic_sdk(kind, api.url, api.key) as sdk, pytest.raises(anthropic.NotFoundError):
        sdk("messages.create", **asked | {"model": "no-such-model"})
    with anthropic_sdk(kind, api.url, api.key) as sdk, pytest.raises(anthropic.BadRequestError):
        sdk("messages.create", **asked | {"messages": "Hi"})
    with anthropic_sdk(kind, api.url, api.keys["embeddings only"]) as sdk, pytest.raises(anthropic.PermissionDeniedError):
        sdk("messages.create", **asked)


@pytest.mark.parametrize("model", ["claude-endless", "gpt-endless"])
def test_leaving_stops_the_provider_and_is_settled(sdk: Sdk, api: ApiSite, provider: Provider, model: str) -> None:
    before = api.calls()

    sdk.events("messages.create", model=model, max_tokens=4000, messages=HI, most=6)

    left_at = time.monotonic()
    assert provider.last().left.wait(2)
    assert time.monotonic() - left_at < 1
    row = api.settled(1)[0]
    assert (row.status, row.estimated, row.model) == ("stopped", True, model)
    assert row.output_tokens >= 3
    assert api.calls() == before + 1
    assert api.held() == 0
