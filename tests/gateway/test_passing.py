"""A request in the provider's own protocol is passed on as it came, and settled once."""

import json
from typing import Any

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
