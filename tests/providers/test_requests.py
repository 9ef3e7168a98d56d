import base64

import pytest

from chat.providers.base import Cancel, File, Image, Message, Provider, Request, Role, Text
from chat.providers.letterhead import Letterheads
from chat.providers.openai import OpenAIProvider
from chat.providers.transport import Transport
from tests.fakes import FakeProvider
from tests.providers.asking import ask

_PIXEL = b"\x89PNG\r\n\x1a\n-not-really"
_WITH_ALL = Request(
    "ok",
    (
        Message(Role.USER, (Text("Look"), Image("image/png", _PIXEL), File("sums.csv", "text/csv", "a,b\n1,2"))),
        Message(Role.ASSISTANT, (Text("I see."),)),
        Message(Role.USER, (Text("And now?"),)),
    ),
    system="Be brief.",
    temperature=0.5,
    max_tokens=64,
)


def test_the_provider_gets_every_part_of_the_request(fake: FakeProvider, protocol: str, provider: Provider) -> None:
    list(provider.stream(_WITH_ALL, Cancel()))

    body = fake.last().body
    url = f"data:image/png;base64,{base64.b64encode(_PIXEL).decode()}"
    file = "[Start of the file sums.csv]\na,b\n1,2\n[End of the file sums.csv]"
    if protocol == "openai":
        assert body["messages"] == [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": url}},
                    {"type": "text", "text": file},
                ],
            },
            {"role": "assistant", "content": "I see."},
            {"role": "user", "content": "And now?"},
        ]
        assert body["stream_options"] == {"include_usage": True}
    else:
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(_PIXEL).decode()}
        assert body["system"] == "Be brief."
        assert body["messages"][0]["content"] == [
            {"type": "text", "text": "Look"},
            {"type": "image", "source": source},
            {"type": "text", "text": file},
        ]
        assert body["messages"][2] == {"role": "user", "content": [{"type": "text", "text": "And now?"}]}
    assert (body["model"], body["stream"], body["temperature"], body["max_tokens"]) == ("ok", True, 0.5, 64)


def test_the_provider_learns_nothing_of_the_person_or_the_machine(fake: FakeProvider, provider: Provider) -> None:
    ask(provider, "ok")
    ask(provider, "ok")

    for call in fake.calls:
        assert {"user", "metadata", "safety_identifier", "prompt_cache_key"}.isdisjoint(call.body)
        assert call.headers["user-agent"] == "candor"
        assert not [name for name in call.headers if name.startswith("x-stainless") or name in ("cookie", "x-forwarded-for")]


def test_a_proxy_in_the_environment_is_not_used(
    fake: FakeProvider, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    ask(provider, "ok")

    assert len(fake.calls) == 1


def test_an_unknown_server_is_sent_only_what_every_server_knows(fake: FakeProvider, protocol: str, provider: Provider) -> None:
    ask(provider, "ok", reasoning=True)

    if protocol == "openai":
        assert set(fake.last().body) == {"model", "messages", "stream", "stream_options"}


def test_openai_itself_is_told_not_to_store(letterheads: Letterheads) -> None:
    own = OpenAIProvider(letterheads.write("openai", "https://api.openai.com/v1", "sesame"), Transport())

    arguments = own.arguments(Request("gpt-5", _WITH_ALL.messages, temperature=0.5, max_tokens=64, reasoning=True))

    assert arguments["store"] is False
    assert (arguments["max_completion_tokens"], arguments["reasoning_effort"]) == (64, "medium")
    assert "temperature" not in arguments


def test_thinking_is_asked_for_and_leaves_no_temperature(fake: FakeProvider, protocol: str, provider: Provider) -> None:
    ask(provider, "ok", reasoning=True, temperature=0.5, max_tokens=8192)

    if protocol == "anthropic":
        assert fake.last().body["thinking"] == {"type": "enabled", "budget_tokens": 4096}
        assert "temperature" not in fake.last().body


def test_an_answer_to_be_continued_has_no_white_space_at_its_end(fake: FakeProvider, protocol: str, provider: Provider) -> None:
    begun = (Message(Role.USER, (Text("Go on"),)), Message(Role.ASSISTANT, (Text("Once upon "),)))

    list(provider.stream(Request("ok", begun, reasoning=True, max_tokens=8192), Cancel()))

    if protocol == "anthropic":
        assert fake.last().body["messages"][-1]["content"] == [{"type": "text", "text": "Once upon"}]
        assert "thinking" not in fake.last().body


@pytest.mark.filterwarnings("ignore:The model 'claude-sonnet-4-5':DeprecationWarning")
@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-sonnet-4-5", {"type": "enabled", "budget_tokens": 1024}),
        ("claude-haiku-4-5-20251001", {"type": "enabled", "budget_tokens": 1024}),
        ("claude-opus-4-7", {"type": "adaptive", "display": "summarized"}),
        ("claude-sonnet-5-5", {"type": "adaptive", "display": "summarized"}),
        ("somebody-elses", {"type": "enabled", "budget_tokens": 1024}),
    ],
)
@pytest.mark.parametrize("protocol", ["anthropic"], indirect=True)
def test_each_generation_of_models_is_asked_to_think_in_its_way(
    fake: FakeProvider, provider: Provider, model: str, thinking: dict[str, object]
) -> None:
    ask(provider, model, reasoning=True, max_tokens=2048)

    assert fake.last().body["thinking"] == thinking


@pytest.mark.filterwarnings("ignore:The model 'claude-sonnet-4-5':DeprecationWarning")
@pytest.mark.parametrize(
    ("model", "temperature"), [("claude-sonnet-4-5", 1.0), ("claude-sonnet-5", None), ("claude-opus-4-8", None)]
)
@pytest.mark.parametrize("protocol", ["anthropic"], indirect=True)
def test_a_temperature_goes_only_to_models_that_take_one(
    fake: FakeProvider, provider: Provider, model: str, temperature: float | None
) -> None:
    ask(provider, model, temperature=1.5)

    assert fake.last().body.get("temperature") == temperature
