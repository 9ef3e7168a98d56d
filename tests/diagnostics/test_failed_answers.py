"""A failing exchange is kept where the person agreed to that, for its owner alone, and where they did not, it is not."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.gate import Reader
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.diagnostics import failures
from chat.diagnostics.models import FailedExchange
from chat.kernel.db import db
from chat.kernel.site import Site
from chat.providers.base import Request
from tests.browser import Browser
from tests.chatting import Chat, providers
from tests.conftest import Clock, MakeApp
from tests.fakes import FakeProvider
from tests.people import People, sign_in

CANARY = "badgers-under-the-bridge"


@pytest.fixture
def app(make_app: MakeApp, fake: FakeProvider) -> Flask:
    """A site that asks for copies of what fails, and whose models answer or fail as they are named."""
    return make_app({"providers": providers(fake.url), "consents.offered": ["history", "diagnostics"]})


@pytest.mark.parametrize(
    ("model", "code", "came"),
    [("cut", "provider_cut", "Hello, "), ("echo-400", "provider_rejected", ""), ("garbage", "provider_garbled", "")],
)
def test_what_fails_is_kept_with_the_consent(
    client: Browser, people: People, site: Site, clock: Clock, model: str, code: str, came: str
) -> None:
    _agree(people.alice, clock)
    Chat(sign_in(client, people.alice)).send(CANARY, model=model, instructions="Be brief", temperature="0.5")

    (row,) = failures.list_failures(people.alice, clock.now)
    opened = failures.open_failure(row, Reader(people.alice, site.keyring))
    assert (row.code, row.model, row.source) == (code, model, "chat")
    assert opened["messages"][0]["parts"] == [{"kind": "text", "text": CANARY}]
    assert (opened["system"], opened["parameters"]["temperature"], opened["text"]) == ("Be brief", 0.5, came)
    assert CANARY.encode() not in row.exchange.blob


def test_nothing_is_kept_without_the_consent(client: Browser, people: People, clock: Clock) -> None:
    Chat(sign_in(client, people.alice)).send(CANARY, model="cut")

    assert _count() == 0


def test_what_works_or_is_stopped_is_not_kept(client: Browser, people: People, clock: Clock) -> None:
    _agree(people.alice, clock)
    chat = Chat(sign_in(client, people.alice))

    chat.send(CANARY, model="ok")
    stream = chat.stream(text=CANARY, model="endless")
    stream.until("text")
    stream.leave()

    assert _count() == 0


def test_the_withdrawal_deletes_and_ends_it(client: Browser, people: People, clock: Clock) -> None:
    _agree(people.alice, clock)
    Chat(sign_in(client, people.alice)).send(CANARY, model="cut")

    token = client.csrf("/settings/privacy")
    client.post("/settings/privacy/diagnostics/withdraw", data={"csrf_token": token, "stored": "delete"})
    Chat(client).send(CANARY, model="cut")

    assert _count() == 0


def test_a_copy_whose_time_is_up_does_not_exist(client: Browser, people: People, clock: Clock) -> None:
    _agree(people.alice, clock)
    Chat(sign_in(client, people.alice)).send(CANARY, model="cut")
    (row,) = failures.list_failures(people.alice, clock.now)
    path = f"/settings/diagnostics/{row.public_id}"

    clock.advance(days=13, hours=23)
    before = sign_in(client, people.alice).get(path).status_code
    clock.advance(hours=1)

    assert before == 200
    assert client.get(path).status_code == 404
    assert "Nothing is kept here" in client.page("/settings/diagnostics").text


def test_its_owner_reads_and_deletes_it(client: Browser, people: People, clock: Clock) -> None:
    _agree(people.alice, clock)
    Chat(sign_in(client, people.alice)).send(CANARY, model="cut")
    listing = client.page("/settings/diagnostics")
    path = next(one.get("href") for one in listing.all("a") if "/settings/diagnostics/" in one.get("href"))

    shown = client.page(path)
    client.submit(path, action="/remove")

    assert CANARY in shown.text
    assert "Hello," in shown.text
    assert _count() == 0


def test_nobody_else_reads_or_deletes_it(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    _agree(people.alice, clock)
    Chat(sign_in(client, people.alice)).send(CANARY, model="cut")
    (row,) = failures.list_failures(people.alice, clock.now)
    for other in (people.bob, people.ada):
        walker: Any = sign_in(app.test_client(), other)  # type: ignore[arg-type]  # the app's clients are Browsers

        statuses = [
            walker.get(f"/settings/diagnostics/{row.public_id}").status_code,
            walker.post(f"/settings/diagnostics/{row.public_id}/remove", data={"csrf_token": walker.csrf()}).status_code,
        ]

        assert statuses == [404, 404]
    assert _count() == 1


def test_only_the_newest_are_kept(people: People, site: Site, clock: Clock, app: Flask) -> None:
    _agree(people.alice, clock)
    for number in range(failures.MOST_KEPT + 3):
        failures.keep(people.alice.id, _failure(str(number)), site.keyring, timedelta(days=1), clock.now)
    db.session.commit()

    kept = failures.list_failures(people.alice, clock.now)

    assert len(kept) == failures.MOST_KEPT
    assert failures.open_failure(kept[0], Reader(people.alice, site.keyring))["text"] == str(failures.MOST_KEPT + 2)


def _failure(text: str) -> failures.Failure:
    return failures.Failure(
        source="chat", model="ok", provider="fake", code="failed", request=Request("ok", ()), text=text, reasoning=""
    )


def _agree(account: Account, clock: Clock) -> None:
    ledger.give(account, Purpose.DIAGNOSTICS, Source.SETTINGS, clock.now)
    db.session.commit()


def _count() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(FailedExchange)) or 0
