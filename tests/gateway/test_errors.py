"""Every failure below /v1 is told in the shape, the status and the headers of the protocol that was called; no page ever."""

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from chat.gateway.keys import Terms
from tests.browser import Browser
from tests.gateway.conftest import KeyFor

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"


def ask(client: Browser, key: str, path: str = CHAT, model: str = "ok", **more: Any) -> TestResponse:
    body = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]} | more
    return client.post(path, json=body, headers={"x-api-key": key})


def told(answer: TestResponse, *, anthropic: bool) -> dict[str, Any]:
    """The error object, which must be whole."""
    said: Any = answer.json
    assert answer.mimetype == "application/json", answer.text
    request_id = answer.headers["request-id"]
    assert re.fullmatch(r"req_\w+", request_id.replace("-", "_"))
    assert answer.headers["x-request-id"] == request_id
    assert answer.headers["cache-control"] == "no-store, private"
    if anthropic:
        assert set(said) == {"type", "error", "request_id"}
        assert said["type"] == "error"
        assert said["request_id"] == request_id
        assert set(said["error"]) == {"type", "message"}
    else:
        assert set(said["error"]) == {"message", "type", "param", "code"}
    assert said["error"]["message"]
    error: dict[str, Any] = said["error"]
    return error


@pytest.mark.parametrize(("method", "path", "status", "anthropic"), [
    ("GET", "/v1", 404, False), ("GET", "/v1/", 404, False), ("POST", "/v1/no/such", 404, False),
    ("POST", "/v1/messages/no-such", 404, True), ("GET", CHAT, 405, False), ("GET", MESSAGES, 405, True),
    ("DELETE", "/v1/models", 405, False), ("PUT", "/v1/messages/count_tokens", 405, True),
])  # fmt: skip
def test_an_address_that_is_not_there(client: Browser, method: str, path: str, status: int, anthropic: bool) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert told(answer, anthropic=anthropic)["type"] == ("not_found_error" if status == 404 else "invalid_request_error")
    assert ("Allow" in answer.headers) is (status == 405)


def test_an_address_beside_it_is_a_page(client: Browser) -> None:
    assert client.get("/v1x").mimetype == "text/html"


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_what_is_wrong_with_a_request(client: Browser, key: str, path: str) -> None:
    anthropic = path == MESSAGES
    large = client.post(path, data=b"[" + b" " * (33 * 2**20), headers={"x-api-key": key})
    assert large.status_code == 413
    assert told(large, anthropic=anthropic)["type"] == ("request_too_large" if anthropic else "invalid_request_error")
    for body in (
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"model": 1}',
        b'{"model": "ok"}',
        b"[" * 100_000,
        b'{"model": "ok", "messages": 3}',
    ):
        answer = client.post(path, data=body, headers={"x-api-key": key})
        assert answer.status_code == 400, body[:40]
        assert told(answer, anthropic=anthropic)["type"] == "invalid_request_error"
    assert told(client.post(path, data=b"{}"), anthropic=anthropic)["type"] == "authentication_error"


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_a_failure_that_nobody_foresaw(app: Flask, key: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("words that nobody should read")

    monkeypatch.setattr("chat.gateway.api.read_request", fail)
    answer = ask(app.test_client(), key, path)  # type: ignore[arg-type]  # the app's clients are Browsers

    assert answer.status_code == 500
    assert "words" not in told(answer, anthropic=path == MESSAGES)["message"]


@pytest.mark.parametrize(("model", "status", "kind"), [
    ("echo-500", 502, "server_error"), ("unauthorized", 502, "server_error"), ("reset", 502, "server_error"),
    ("trains", 403, "permission_error"), ("nothing", 404, "not_found_error"), ("echo", 400, "invalid_request_error"),
])  # fmt: skip
def test_a_model_that_fails(client: Browser, key: str, model: str, status: int, kind: str) -> None:
    answer = ask(client, key, model=model)

    assert (answer.status_code, told(answer, anthropic=False)["type"]) == (status, kind)


def test_how_the_limits_stand_is_told(client: Browser, key_for: KeyFor) -> None:
    key = key_for(Terms(requests_per_minute=3, tokens_per_minute=10_000))

    openai = ask(client, key).headers
    assert openai["x-ratelimit-limit-requests"] == "3"
    assert openai["x-ratelimit-remaining-requests"] == "2"
    assert re.fullmatch(r"\d+s|1m0s", openai["x-ratelimit-reset-requests"])
    assert openai["x-ratelimit-limit-tokens"] == "10000"
    assert 9_000 < int(openai["x-ratelimit-remaining-tokens"]) < 10_000

    anthropic = ask(client, key, MESSAGES, "claude").headers
    assert anthropic["anthropic-ratelimit-requests-limit"] == "3"
    assert anthropic["anthropic-ratelimit-requests-remaining"] == "1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", anthropic["anthropic-ratelimit-requests-reset"])
    assert not [name for name, _value in anthropic if name.lower().startswith("x-ratelimit")]

    ask(client, key)
    refused = ask(client, key)
    assert (refused.status_code, told(refused, anthropic=False)["type"]) == (429, "rate_limit_error")
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert told(ask(client, key, MESSAGES), anthropic=True)["type"] == "rate_limit_error"


def test_tokens_a_minute(client: Browser, key_for: KeyFor) -> None:
    key = key_for(Terms(tokens_per_minute=60))

    assert ask(client, key, messages=[{"role": "user", "content": "x" * 400}]).status_code == 413
    statuses = [ask(client, key).status_code for _ in range(4)]

    assert statuses[0] == 200
    assert statuses[-1] == 429
