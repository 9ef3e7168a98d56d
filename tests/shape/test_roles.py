"""No address shows one person's things to another, whoever that other is: a walk of every route by every role."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.diagnostics import failures
from chat.diagnostics.failures import Failure
from chat.gateway.keys import Terms, make_key
from chat.kernel import clock
from chat.kernel.access import Audience, audience_of
from chat.kernel.db import db
from chat.kernel.site import Site
from chat.providers.base import Request
from chat.requests import letters
from chat.requests.letters import Kind, Words
from tests.browser import Browser
from tests.chatting import Chat, app, fake, turn_history_on
from tests.people import People, sign_in
from tests.shape.test_routes import ARGUMENTS

__all__ = ["app", "fake"]  # fixtures

CANARY = "aardvarks-in-the-attic"
# By these addresses a person acts on their own account, whoever they are; the walk would only sign the walker out.
OWN = {"security.logout"}


@pytest.mark.parametrize("role", ["guest", "customer", "operator"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_else_sees_what_alice_wrote(app: Flask, client: Browser, people: People, site: Site, role: str) -> None:
    turn_history_on(sign_in(client, people.alice))
    hers = Chat(client).send(CANARY)
    ids = {"conversations": hers.conversation} | _more_of_hers(people, site)
    walker = _walker(app, people, role)
    token = walker.csrf("/")
    seen = 0

    for rule in list(app.url_map.iter_rules()):
        if rule.endpoint in OWN:
            continue
        with app.test_request_context():
            path = _path(app, rule, ids, hers.turns[-1].id)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            form = {"csrf_token": token, "conversation": hers.conversation, "turn": hers.turns[0].id, "query": CANARY[:9]}
            answer = walker.open(path, method=method, data=form if method == "POST" else None)
            seen += 1
            words = _words(answer)
            assert CANARY not in words, (method, path)
            assert people.alice.email not in words, (method, path)
            assert answer.status_code < 500, (method, path)

    assert seen > 40
    db.session.rollback()
    assert CANARY in client.get(f"/c/{hers.conversation}").text
    for blueprint in ("diagnostics", "requests"):
        assert CANARY in client.get(f"/settings/{blueprint}/{ids[blueprint]}").text


@pytest.mark.parametrize("role", ["nobody", "customer", "operator"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_key_but_hers_shows_what_alice_wrote(app: Flask, client: Browser, people: People, site: Site, role: str) -> None:
    turn_history_on(sign_in(client, people.alice))
    hers = Chat(client).send(CANARY)
    with_hers = {"authorization": f"Bearer {_key(people.alice, site)}"}
    said = {"model": "ok", "messages": [{"role": "user", "content": CANARY}]}
    assert client.post("/v1/chat/completions", json=said, headers=with_hers).status_code == 200
    walker: Any = app.test_client()
    caller = {"customer": people.bob, "operator": people.ada}.get(role)
    headers = {} if caller is None else {"x-api-key": _key(caller, site)}
    ids = {"conversations": hers.conversation}
    body = {"model": "ok", "messages": [{"role": "user", "content": hers.conversation}], "input": hers.conversation}
    statuses = []

    for rule in app.url_map.iter_rules():
        if audience_of(app.view_functions[rule.endpoint]) is not Audience.API_KEY:
            continue
        with app.test_request_context():
            path = _path(app, rule, ids, hers.turns[-1].id)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            for more in ({}, {"previous_response_id": hers.conversation}, {"conversation": hers.conversation}):
                answer = walker.open(path, method=method, json=body | more if method == "POST" else None, headers=headers)
                statuses.append(answer.status_code)
                words = _words(answer)
                assert CANARY not in words, (method, path)
                assert people.alice.email not in words, (method, path)
                assert answer.status_code < 500, (method, path)

    assert len(statuses) > 15
    assert (200 in statuses) is (caller is not None)
    assert caller is not None or set(statuses) == {401}


def _key(person: Account, site: Site) -> str:
    made = make_key(person, "walk", Terms(), site.api_secret, clock.now())
    db.session.commit()
    return made.key


def _words(answer: TestResponse) -> str:
    """What an answer says, packed or not."""
    if answer.mimetype != "application/zip":
        return answer.get_data(as_text=True)
    archive = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    return " ".join([*archive.namelist(), *(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())])


def _walker(app: Flask, people: People, role: str) -> Browser:
    walker: Any = app.test_client()
    if role == "guest":
        return walker  # type: ignore[no-any-return]  # the app's clients are Browsers
    return sign_in(walker, people.bob if role == "customer" else people.ada)


def _more_of_hers(people: People, site: Site) -> dict[str, str]:
    """What else of alice's has an address: a failed answer that she had kept, and a request. By the blueprint that shows it."""
    alice, now = people.alice, clock.now()
    ledger.give(alice, Purpose.DIAGNOSTICS, Source.SETTINGS, now)
    failure = Failure(
        source="chat", model="ok", provider="fake", code="failed", request=Request("ok", ()), text=CANARY, reasoning=""
    )
    assert failures.keep(alice.id, failure, site.keyring, timedelta(days=1), now)
    sent = letters.send(alice, Kind.QUESTION, Words(CANARY), site, now)
    db.session.commit()
    return {"diagnostics": failures.list_failures(alice, now)[0].public_id, "requests": sent.public_id}


def _path(app: Flask, rule: Any, ids: dict[str, str], turn: str) -> str:
    own = {"public_id": ids.get(rule.endpoint.split(".")[0], ids["conversations"]), "turn": turn}
    values = {name: own.get(name) or ARGUMENTS[name] for name in rule.arguments}
    path: str = app.url_map.bind("localhost").build(rule.endpoint, values, method="GET" if "GET" in rule.methods else "POST")
    return path
