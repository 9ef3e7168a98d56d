"""OpenAI's own SDK, unchanged, sync and async: on a model of its protocol, and on one of Anthropic's."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.gateway.provider import Provider
from tests.gateway.sdk import KINDS, Sdk, openai_sdk
from tests.gateway.site import ApiSite
from tests.images import png

pytestmark = pytest.mark.server

HI = [{"role": "user", "content": "Hi"}]
PICTURE = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
BOTH = pytest.mark.parametrize("model", ["gpt-ok", "claude-ok"])


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(params=KINDS)
def sdk(request: pytest.FixtureRequest, api: ApiSite) -> Iterator[Sdk]:
    with openai_sdk(request.param, api.url, api.key) as opened:
        yield opened


@BOTH
def test_an_answer(sdk: Sdk, model: str) -> None:
    answer = sdk("chat.completions.create", model=model, messages=HI)

    choice = answer.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Hello, world.", "stop")
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (9, 4, 13)
    assert usage.prompt_tokens_details.cached_tokens == 2
    assert answer._request_id.startswith("req_")


@BOTH
def test_a_stream(sdk: Sdk, model: str) -> None:
    chunks = sdk.events("chat.completions.create", model=model, messages=HI, stream_options={"include_usage": True})

    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Hello, world."
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (9, 4)


@BOTH
def test_a_stream_without_a_count_has_none(sdk: Sdk, model: str) -> None:
    chunks = sdk.events("chat.completions.create", model=model, messages=HI)

    assert all(one.choices and one.usage is None for one in chunks)


@BOTH
@pytest.mark.parametrize("streams", [False, True])
def test_a_tool_is_called_and_its_result_read(sdk: Sdk, model: str, streams: bool) -> None:
    asked: dict[str, Any] = {"model": model, "tools": [WEATHER]}
    if streams:
        answer = sdk.final("chat.completions.stream", "get_final_completion", messages=HI, **asked)
    else:
        answer = sdk("chat.completions.create", messages=HI, **asked)
    message = answer.choices[0].message
    call = message.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"}

    last = sdk(
        "chat.completions.create", messages=[*HI, message.model_dump(exclude_none=True, exclude={"parsed"}), result], **asked
    )

    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert call.function.arguments.replace(" ", "") == '{"city":"Paris"}'
    assert last.choices[0].message.content == "The tool said 12 degrees"


@BOTH
def test_an_answer_in_a_schema(sdk: Sdk, model: str) -> None:
    answer = sdk("chat.completions.parse", model=model, messages=HI, response_format=Person)

    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)


@BOTH
def test_a_picture_arrives(sdk: Sdk, provider: Provider, model: str) -> None:
    said = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]

    answer = sdk("chat.completions.create", model=model, messages=[{"role": "user", "content": said}])

    assert PICTURE.partition(",")[2] in answer.choices[0].message.content
    if model == "claude-ok":
        picture = provider.last().body["messages"][0]["content"][1]
        assert picture["source"] == {"type": "base64", "media_type": "image/png", "data": PICTURE.partition(",")[2]}


@BOTH
def test_a_limit_that_is_reached_is_told(sdk: Sdk, model: str) -> None:
    answer = sdk("chat.completions.create", model=model, messages=HI, max_completion_tokens=1)

    assert answer.choices[0].finish_reason == "length"


def test_responses(sdk: Sdk, provider: Provider) -> None:
    answer = sdk("responses.create", model="gpt-ok", input="Hi")

    assert answer.output_text == "Hello, world."
    assert provider.last().body["store"] is False


def test_responses_stream(sdk: Sdk) -> None:
    events = sdk.events("responses.create", model="gpt-ok", input="Hi")

    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == "Hello, world."
    assert events[-1].response.usage.output_tokens == 4


@pytest.mark.parametrize(
    ("field", "value"), [("store", True), ("previous_response_id", "r1"), ("background", True), ("conversation", "c1")]
)
def test_responses_that_would_have_to_be_kept_are_refused_by_name(sdk: Sdk, provider: Provider, field: str, value: Any) -> None:
    before = len(provider.calls)

    with pytest.raises(openai.BadRequestError, match=f"`{field}") as refusal:
        sdk("responses.create", model="gpt-ok", input="Hi", **{field: value})

    assert "ke" in refusal.value.message  # keeps, kept: the reason
    assert len(provider.calls) == before


@pytest.mark.parametrize("given", ["one", ["one", "two"]])
def test_embeddings(sdk: Sdk, given: Any) -> None:
    answer = sdk("embeddings.create", model="gpt-ok", input=given, encoding_format="float")

    assert [one.embedding for one in answer.data] == [[0.25, -0.5]] * (1 if given == "one" else 2)


def test_the_models(sdk: Sdk) -> None:
    listed = sdk.listed("models.list")

    assert {"gpt-ok", "claude-ok"} <= {one.id for one in listed}
    assert sdk("models.retrieve", model="gpt-ok").owned_by == "gate"


def test_what_nobody_here_has_heard_of_arrives_untouched(sdk: Sdk, provider: Provider) -> None:
    unknown = {"never_heard_of": {"a": [1.5, None, "ü"]}, "reasoning": {"deep": True}}
    more = {"seed": 7, "stop": ["end"], "logprobs": True, "top_logprobs": 2, "reasoning_effort": "low", "temperature": 1.7}
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
    messages = [{"role": "user", "content": [file]}]

    answer = sdk("chat.completions.create", model="gpt-ok", messages=messages, extra_body=unknown, **more)

    sent = provider.last().body
    assert {name: sent[name] for name in (*unknown, *more)} == unknown | more
    assert sent["messages"] == messages
    assert answer.choices[0].logprobs.content[0].logprob == -0.5
    assert answer.system_fingerprint == "fp_1"


@BOTH
def test_no_provider_is_told_who_asks(sdk: Sdk, provider: Provider, model: str) -> None:
    who = {"user": "alice", "safety_identifier": "alice", "prompt_cache_key": "alice", "metadata": {"who": "alice"}}

    sdk("chat.completions.create", model=model, messages=HI, extra_headers={"OpenAI-Organization": "alice"}, **who)

    call = provider.last()
    assert "alice" not in str(call.body)
    assert "alice" not in str(call.headers)
    assert "ck-" not in str(call.headers)
    assert "openai" not in call.headers.get("user-agent", "").lower()
    assert not [name for name in call.headers if name.startswith(("x-stainless", "x-forwarded", "cookie"))]


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("n", 2, "`n`"),
        ("logprobs", True, "`logprobs`"),
        ("seed", 7, "`seed`"),
        ("logit_bias", {"1": 2}, "`logit_bias`"),
        ("presence_penalty", 0.5, "`presence_penalty`"),
        ("audio", {"voice": "alloy", "format": "wav"}, "`audio`"),
        ("temperature", 1.5, "`temperature` above 1"),
        ("response_format", {"type": "json_object"}, "json_object"),
    ],
)
def test_what_anthropic_has_no_word_for_is_refused_by_name(
    sdk: Sdk, provider: Provider, field: str, value: Any, name: str
) -> None:
    before = len(provider.calls)

    with pytest.raises(openai.BadRequestError) as refusal:
        sdk("chat.completions.create", model="claude-ok", messages=HI, **{field: value})

    assert name in refusal.value.message
    assert refusal.value.code == "untranslatable"
    assert len(provider.calls) == before


@BOTH
@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, openai.BadRequestError, "provider_rejected"),
        (404, openai.NotFoundError, "provider_rejected"),
        (401, openai.InternalServerError, "provider_auth"),
        (429, openai.InternalServerError, "provider_rate_limited"),
        (500, openai.InternalServerError, "provider_failed"),
        (529, openai.InternalServerError, "provider_overloaded"),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_a_providers_failure(
    sdk: Sdk, model: str, status: int, error: type[openai.APIStatusError], code: str, streams: bool
) -> None:
    with pytest.raises(error) as raised:
        sdk("chat.completions.create", model=model.replace("ok", f"e{status}"), messages=HI, stream=streams)

    assert raised.value.code == code
    # The words about a wrong request are for whoever wrote it; the others are about the site, and quote what they like.
    assert ("cannot do" in raised.value.message) is (code == "provider_rejected")


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_classes(api: ApiSite, kind: Any) -> None:
    with openai_sdk(kind, api.url, "ck-wrong") as stranger, pytest.raises(openai.AuthenticationError):
        stranger("chat.completions.create", model="gpt-ok", messages=HI)
    with openai_sdk(kind, api.url, api.key) as sdk, pytest.raises(openai.NotFoundError) as missing:
        sdk("chat.completions.create", model="no-such-model", messages=HI)
    with openai_sdk(kind, api.url, api.key) as sdk, pytest.raises(openai.BadRequestError):
        sdk("chat.completions.create", model="gpt-ok", messages="Hi")
    with openai_sdk(kind, api.url, api.keys["embeddings only"]) as sdk, pytest.raises(openai.PermissionDeniedError):
        sdk("chat.completions.create", model="gpt-ok", messages=HI)
    with openai_sdk(kind, api.url, api.keys["one model"]) as sdk, pytest.raises(openai.NotFoundError):
        sdk("chat.completions.create", model="claude-ok", messages=HI)

    assert missing.value.code == "model_not_found"


def test_a_limit_says_when_to_come_again(api: ApiSite) -> None:
    with openai_sdk("sync", api.url, api.keys["one a minute"]) as sdk:
        sdk("chat.completions.create", model="gpt-ok", messages=HI)

        with pytest.raises(openai.RateLimitError) as refusal:
            sdk("chat.completions.create", model="gpt-ok", messages=HI)

    assert 0 < int(refusal.value.response.headers["retry-after"]) <= 60


@pytest.mark.parametrize("model", ["gpt-endless", "claude-endless"])
def test_leaving_stops_the_provider_and_is_settled(sdk: Sdk, api: ApiSite, provider: Provider, model: str) -> None:
    before = api.calls()

    sdk.events("chat.completions.create", model=model, messages=HI, most=5)

    left_at = time.monotonic()
    assert provider.last().left.wait(2)
    assert time.monotonic() - left_at < 1
    row = api.settled(1)[0]
    assert (row.status, row.estimated, row.model) == ("stopped", True, model)
    assert row.output_tokens >= 3
    assert api.calls() == before + 1
    assert api.held() == 0
