"""A letterhead is what the provider's own SDK writes above a request, whatever address and key it is filled in with."""

import subprocess
from contextlib import suppress
from urllib.parse import urlsplit

import anthropic
import httpx2
import openai
import pytest

from chat.providers import letterhead
from chat.providers.letterhead import Letterhead, Sdk, letterhead_for

ADDRESSES = ("https://api.example.org/v1", "http://127.0.0.1:8123/v1/", "https://[2001:db8::1]:8443/a/b%20c", "http://host")


class _Kept(httpx2.BaseTransport):
    def __init__(self) -> None:
        self.request: httpx2.Request | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.request = request
        raise httpx2.ConnectError("not sent")


@pytest.mark.parametrize("address", ADDRESSES)
def test_openais_is_its_sdks(address: str) -> None:
    kept = _Kept()
    with httpx2.Client(transport=kept) as client, suppress(openai.APIConnectionError):
        asking = openai.OpenAI(api_key="sk-1", base_url=address, max_retries=0, http_client=client)
        asking.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)

    _is_the_same(letterhead_for("openai", address, "sk-1"), kept.request)


@pytest.mark.parametrize("address", ADDRESSES)
def test_anthropics_is_its_sdks(address: str) -> None:
    kept = _Kept()
    with httpx2.Client(transport=kept) as client, suppress(anthropic.APIConnectionError):
        asking = anthropic.Anthropic(api_key="sk-1", base_url=address, max_retries=0, http_client=client)
        asking.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "Hi"}], stream=True)

    _is_the_same(letterhead_for("anthropic", address, "sk-1"), kept.request)


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_sdk_is_asked_once_and_sees_no_key(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    run = subprocess.run

    def noted(*args: object, **options: object) -> object:
        asked.append(f"{args} {options}")
        return run(*args, **options)  # type: ignore[call-overload]  # as it was called

    monkeypatch.setattr("subprocess.run", noted)
    letterhead._form_of.cache_clear()

    first = letterhead_for(sdk, "https://one.example/v1", "sk-secret")
    second = letterhead_for(sdk, "https://two.example/v1", None)

    assert len(asked) == 1
    assert "sk-secret" not in asked[0]
    assert "sk-secret" in str(first.headers)
    assert (second.host, "sk-secret" in str(second.headers)) == ("two.example", False)


def _is_the_same(made: Letterhead, request: httpx2.Request | None) -> None:
    assert request is not None
    address = urlsplit(str(request.url))
    assert (made.scheme, made.host, made.port, made.path) == (address.scheme, address.hostname, address.port, address.path)
    for name in set(request.headers) & {"authorization", "x-api-key", "anthropic-version", "content-type", "accept"}:
        assert made.headers[name] == request.headers[name]
    assert not [name for name in made.headers if name.startswith("x-stainless")]
