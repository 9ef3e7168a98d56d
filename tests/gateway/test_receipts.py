"""An API answer names its receipt: signed, without a word of what was said, and for whoever made the request alone."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from chat.gateway.keys import Terms
from chat.kernel.db import db
from chat.kernel.signing import check
from chat.kernel.site import Site
from chat.metering.current import current_clerk
from chat.metering.models import ModelTerms, Usage
from tests.browser import Browser
from tests.chatting import providers
from tests.conftest import Clock, MakeApp
from tests.fakes import FakeProvider
from tests.gateway.conftest import KeyFor
from tests.people import People, sign_in

WORDS = "the canary sings at dawn"
ONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PATHS = ("/v1/chat/completions", "/v1/messages")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_receipt_says_what_became_of_the_request(client: Browser, key: str, site: Site, path: str, stream: bool) -> None:
    answer = _ask(client, key, path=path, stream=stream)
    assert answer.status_code == 200
    receipt = _receipt(client, key, answer.headers["x-candor-receipt"])

    check(receipt, site.signing.public())
    assert (receipt["type"], receipt["source"], receipt["outcome"]) == ("candor-data-receipt/1", "api", "done")
    assert receipt["provider"]["id"] == answer.headers["x-candor-provider"]
    assert receipt["provider"]["region"] == answer.headers["x-candor-region"]
    assert receipt["stored"] == {"rows": 0, "tables": {}}
    assert receipt["sent"]["bytes"] > len(WORDS)
    row = db.session.scalars(sa.select(Usage)).one()
    assert receipt["received"] == {"bytes": row.output_bytes}
    assert set(receipt["logged"]["columns"]) == {one.key for one in Usage.__table__.columns} - {"id", "account_id"}
    assert WORDS not in json.dumps(receipt)


def test_a_stream_names_its_receipt_before_it_is_complete(client: Browser, key: str, fake: FakeProvider) -> None:
    answer = client.post("/v1/chat/completions", json=_body("endless", stream=True), headers={"x-api-key": key}, buffered=False)
    next(iter(answer.response))
    name = answer.headers["x-candor-receipt"]
    early = client.get(f"/v1/receipts/{name}", headers={"x-api-key": key})
    answer.close()

    assert (early.status_code, early.get_json()["error"]["code"]) == (409, "receipt_not_ready")
    assert fake.last().left.wait(5)
    assert _receipt(client, key, name)["outcome"] == "stopped"


def test_only_the_key_and_its_owner_see_it(client: Browser, key: str, key_for: KeyFor, people: People) -> None:
    name = _ask(client, key).headers["x-candor-receipt"]
    _receipt(client, key, name)

    other = client.get(f"/v1/receipts/{name}", headers={"x-api-key": key_for(Terms())})
    assert (other.status_code, other.get_json()["error"]["code"]) == (404, "receipt_not_found")
    sign_in(client, people.bob)
    assert [client.get(f"/settings/usage/receipts/{name}{end}").status_code for end in ("", ".json")] == [404, 404]
    assert name not in client.get("/settings/usage/log").text


def test_its_owner_reads_it_and_takes_it_away(client: Browser, key: str, people: People, site: Site) -> None:
    name = _ask(client, key).headers["x-candor-receipt"]
    _receipt(client, key, name)
    sign_in(client, people.alice)

    links = [one.get("href") for one in client.page("/settings/usage/log").all("a")]
    assert f"/settings/usage/receipts/{name}" in links
    page = client.page(f"/settings/usage/receipts/{name}")
    assert "Nothing." in page.text
    assert "Model ok" in page.text
    taken = client.get(f"/settings/usage/receipts/{name}.json")
    assert taken.headers["Content-Disposition"].startswith("attachment")
    check(json.loads(taken.text), site.signing.public())


def test_it_lives_as_long_as_the_usage_row(client: Browser, key: str, clock: Clock) -> None:
    name = _ask(client, key).headers["x-candor-receipt"]
    until = datetime.fromisoformat(_receipt(client, key, name)["logged"]["until"])

    clock.now = until + timedelta(seconds=1)

    assert client.get(f"/v1/receipts/{name}", headers={"x-api-key": key}).status_code == 404


@ONE
def test_what_the_site_says_later_changes_no_receipt(make_app: MakeApp, app: Flask, fake: FakeProvider, key: str) -> None:
    client: Browser = app.test_client()  # type: ignore[assignment]  # the app's client is a Browser
    name = _ask(client, key).headers["x-candor-receipt"]
    before = _receipt(client, key, name)
    _ask(client, key)
    assert current_clerk().flush()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ModelTerms)) == 1
    listed = providers(fake.url)
    listed[1]["policy"] = {**listed[1]["policy"], "retention_days": 30}

    later: Browser = make_app({"providers": listed}).test_client()  # type: ignore[assignment]  # the same

    assert _receipt(later, key, name)["provider"] == before["provider"]
    renewed = _receipt(later, key, _ask(later, key).headers["x-candor-receipt"])
    assert renewed["provider"] == before["provider"] | {"retention_days": 30}


@ONE
def test_a_site_that_keeps_no_rows_names_none(make_app: MakeApp, fake: FakeProvider, key: str) -> None:
    client: Browser = make_app({"providers": providers(fake.url), "retention.request_logs": 0}).test_client()  # type: ignore[assignment]

    answer = _ask(client, key)

    assert answer.status_code == 200
    assert "x-candor-receipt" not in answer.headers


def _body(model: str = "ok", *, stream: bool = False) -> dict[str, object]:
    return {"model": model, "max_tokens": 10, "stream": stream, "messages": [{"role": "user", "content": WORDS}]}


def _ask(client: Browser, key: str, *, path: str = PATHS[0], stream: bool = False) -> TestResponse:
    answer = client.post(path, json=_body(stream=stream), headers={"x-api-key": key})
    assert answer.text
    answer.close()
    return answer


def _receipt(client: Browser, key: str, name: str) -> dict[str, Any]:
    assert current_clerk().flush()
    answer = client.get(f"/v1/receipts/{name}", headers={"x-api-key": key})
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.get_json()
    return receipt
