"""A request in the provider's own protocol is passed on as it came, and settled once."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.kernel.db import db
from chat.metering.current import current_clerk
from chat.metering.models import Reservation, Spending, Usage
from tests.browser import Browser
from tests.fakes import FakeProvider


def test_a_stream_is_passed_on(app: Flask, client: Browser, fake: FakeProvider, key: str) -> None:
    body = {"model": "ok", "stream": True, "messages": [{"role": "user", "content": "Hi"}], "never_heard_of": {"a": [1.5]}}
    answer = client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})

    assert answer.status_code == 200
    assert answer.text.rstrip().endswith("data: [DONE]")
    assert '"usage"' not in answer.text
    sent: dict[str, Any] = fake.last().body
    assert sent["never_heard_of"] == {"a": [1.5]}
    assert sent["stream_options"] == {"include_usage": True}
    assert current_clerk().flush()
    row = db.session.scalars(sa.select(Usage)).one()
    assert (row.input_tokens, row.output_tokens, row.estimated, row.status) == (9, 4, False, "done")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Reservation)) == 0
    assert db.session.scalars(sa.select(Spending)).one().running == 0


def test_a_failure_has_the_protocols_shape(client: Browser, key: str) -> None:
    for path, kind in (("/v1/chat/completions", "ok"), ("/v1/messages", "claude")):
        body = {"model": "nothing", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 10}
        answer = client.post(path, data=json.dumps(body), headers={"x-api-key": key})
        assert answer.status_code == 404
        assert answer.json is not None
        assert answer.json["error"]["type"] == "not_found_error", kind


def test_without_a_key_nothing_answers(client: Browser) -> None:
    assert client.get("/v1/models").status_code == 401
    assert client.get("/v1/models?api_key=ck-x").status_code == 401


def test_messages_are_passed_on(client: Browser, fake: FakeProvider, key: str) -> None:
    body = {"model": "claude", "stream": True, "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    answer = client.post("/v1/messages", json=body, headers={"x-api-key": key})
    assert "event: message_stop" in answer.text
    assert current_clerk().flush()
    row = db.session.scalars(sa.select(Usage)).one()
    assert (row.input_tokens, row.output_tokens, row.source) == (9, 4, "api")


BETA = {"anthropic-version": "2026-10-21", "anthropic-beta": "files-api-2025-04-14,context-1m-2025-08-07"}


def test_what_the_protocol_says_in_headers_goes_along(client: Browser, fake: FakeProvider, key: str) -> None:
    """A version says what the answer looks like: a program that is sent another one's cannot read it."""
    body = {"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    others = {"x-api-key": key, "x-forwarded-for": "192.0.2.7", "x-app": "cli", "openai-beta": "assistants=v2"}

    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        client.post(path, json=body, headers=others | BETA)
        received = fake.last().headers
        assert {name: received[name] for name in BETA} == BETA
        assert not {"x-forwarded-for", "x-app", "openai-beta"} & set(received)

    client.post("/v1/messages", json=body, headers=others)
    assert fake.last().headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in fake.last().headers


def test_it_is_named_where_a_translation_leaves_it_out(client: Browser, fake: FakeProvider, key: str) -> None:
    body = {"model": "ok", "stream": True, "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}

    answer = client.post("/v1/messages", json=body, headers={"x-api-key": key} | BETA)

    assert answer.status_code == 200
    assert answer.headers["x-candor-left-out"] == "anthropic-beta"
    assert not set(BETA) & set(fake.last().headers)


@pytest.mark.parametrize(
    ("name", "value"), [("anthropic-version", "latest"), ("anthropic-beta", "a b"), ("anthropic-beta", "x" * 200)]
)
def test_an_odd_one_is_refused_by_name(client: Browser, fake: FakeProvider, key: str, name: str, value: str) -> None:
    body = {"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}

    answer = client.post("/v1/messages", json=body, headers={"x-api-key": key, name: value})

    assert answer.status_code == 400
    assert f"`{name}`" in answer.json["error"]["message"]  # type: ignore[index]  # it is JSON
    assert fake.calls == []
