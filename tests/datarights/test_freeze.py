"""A frozen account is kept and used for nothing: no route asks a model, no consent holds, no job touches a row."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from chat.accounts.freezing import Frozen
from chat.accounts.models import Account
from chat.consent import gate, ledger
from chat.consent.gate import NotPermitted
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.features import FEATURES
from chat.jobs.work import get_job, run_now
from chat.kernel import clock as kernel_clock
from chat.kernel.access import WhenFrozen, when_frozen
from chat.kernel.db import db
from chat.kernel.feature import current_jobs
from chat.kernel.site import Site
from chat.policy.daily import JOB as VERIFY
from tests.browser import Browser, Page
from tests.chatting import Chat, Shown, turn_history_on
from tests.conftest import Clock
from tests.datarights.taking import download
from tests.fakes import FakeProvider
from tests.people import People, sign_in
from tests.shape.test_routes import ARGUMENTS

STORES = [store for feature in FEATURES for store in feature.stores]


@pytest.fixture
def alice(client: Browser, people: People) -> Browser:
    """Alice, signed in, with a saved conversation and an unsaved one at hand, and frozen then."""
    sign_in(client, people.alice)
    turn_history_on(client)
    Chat(client).send("What is kept", model="ok")
    client.submit("/settings/data", action="/settings/data/freeze")
    return client


def test_no_route_lets_a_frozen_account_ask_a_model(app: Flask, alice: Browser, people: People, fake: FakeProvider) -> None:
    saved = _conversation(people.alice)
    chat = Chat(alice, f"/c/{saved}")
    asked, usage = len(fake.calls), _count("usage")
    tried = 0

    for rule in list(app.url_map.iter_rules()):
        if "POST" not in (rule.methods or ()) or rule.endpoint in _WAYS_OUT:
            continue
        values = {name: saved if name == "public_id" else ARGUMENTS[name] for name in rule.arguments}
        path = app.url_map.bind("localhost").build(rule.endpoint, values, method="POST")
        for turn in chat.turns:
            fields = {"csrf_token": alice.csrf("/settings/privacy"), "conversation": saved, "turn": turn.id, "text": "More"}
            alice.post(path, data=fields | {"model": "ok", "title": "x", "consent": "1"}).get_data()
            tried += 1
        if rule.endpoint.startswith("conversations."):
            fields = {"csrf_token": alice.csrf("/settings/privacy"), "text": "More", "model": "ok"}
            alice.post(path, data=fields).get_data()

    assert tried > 30
    assert len(fake.calls) == asked
    assert _count("usage") == usage


def test_people_are_told_why_and_keep_what_they_wrote(alice: Browser) -> None:
    chat = Chat(alice).send("May I?", model="ok")

    assert chat.status == 403
    assert "frozen" in chat.problem
    assert chat.draft == "May I?"


def test_the_acts_of_a_chat_are_refused_one_by_one(alice: Browser, people: People) -> None:
    chat = Chat(alice, f"/c/{_conversation(people.alice)}")

    for act, turn in (("send", None), ("edit", 0), ("regenerate", 1), ("continue", 1)):
        wanted = None if turn is None else chat.turns[turn].id
        assert chat.post(f"/chat/{act}", turn=wanted, text="More").status_code == 403
        assert chat.stream(act, turn=wanted, text="More").status == 403


def test_no_consent_of_a_frozen_account_holds_and_none_is_given(alice: Browser, people: People, site: Site) -> None:
    account = people.alice

    assert not ledger.allows(account, Purpose.HISTORY)
    with pytest.raises(NotPermitted):
        gate.issue(account, Purpose.HISTORY, site.keyring)
    with pytest.raises(Frozen):
        ledger.give(account, Purpose.IMPROVEMENT, Source.SETTINGS, kernel_clock.now())


def test_a_permit_is_refused_though_the_session_loaded_the_account_before(people: People, site: Site) -> None:
    account = people.alice
    ledger.give(account, Purpose.HISTORY, Source.SETTINGS, kernel_clock.now())
    db.session.commit()
    assert account.frozen_at is None  # loaded
    with db.engine.begin() as elsewhere:
        elsewhere.execute(sa.update(Account).where(Account.id == account.id).values(frozen_at=kernel_clock.now()))

    with pytest.raises(NotPermitted):
        gate.issue(account, Purpose.HISTORY, site.keyring)


def test_every_act_that_is_refused_changes_nothing(app: Flask, alice: Browser, people: People) -> None:
    """Whoever adds an address that changes something says what a freeze does to it; here it is held to that."""
    saved = _conversation(people.alice)
    chat = Chat(alice, f"/c/{saved}")
    token, before = alice.csrf("/settings/data"), _everything(people.alice)
    ids, refused = ARGUMENTS | {"public_id": saved}, []

    for rule in list(app.url_map.iter_rules()):
        act = when_frozen(app.view_functions[rule.endpoint])
        if "POST" not in (rule.methods or ()) or act in (None, WhenFrozen.GOES_ON):
            continue
        path = app.url_map.bind("localhost").build(rule.endpoint, {one: ids[one] for one in rule.arguments}, method="POST")
        fields = {"conversation": saved, "turn": chat.turns[-1].id, "text": "x", "pinned": "yes", "title": "x", "days": "1"}
        more = {"csrf_token": token, "consent": "1", "display_name": "Malice", "name": "x"}
        answer = alice.post(path, data=fields | more)
        refused.append(rule.endpoint)
        assert answer.status_code == 403, path
        assert "frozen" in answer.text, path

    assert _everything(people.alice) == before
    assert {"conversations.pin", "conversations.choose_keep", "accounts.profile", "api_keys.create"} <= set(refused)


def test_another_alternative_is_shown_and_not_remembered(alice: Browser, people: People) -> None:
    alice.submit("/settings/data", action="/settings/data/thaw")
    chat = Chat(alice, f"/c/{_conversation(people.alice)}")
    first = chat.turns[1].id
    second = chat.act("regenerate", turn=first).turns[1].id
    alice.submit("/settings/data", action="/settings/data/freeze")
    before = _everything(people.alice)

    answer = chat.post("/chat/switch", turn=first)

    assert answer.status_code == 200
    assert [one.id for one in _shown(chat, answer)][1] == first != second
    assert _everything(people.alice) == before


def test_what_keeps_the_account_safe_goes_on(app: Flask, alice: Browser, people: People) -> None:
    elsewhere = app.test_client()
    assert isinstance(elsewhere, Browser)
    sign_in(elsewhere, people.alice)

    alice.submit("/settings/security", action="/settings/security/devices/end-others")

    assert elsewhere.get("/settings/security").status_code == 302
    assert alice.get("/settings/security").status_code == 200


def test_looking_taking_withdrawing_and_thawing_go_on(alice: Browser, people: People) -> None:
    assert Chat(alice, f"/c/{_conversation(people.alice)}").said[0] == "What is kept"
    assert download(alice).rows("account")[0]["frozen_at"]
    token = alice.csrf("/settings/privacy")
    alice.post("/settings/privacy/history/withdraw", data={"csrf_token": token, "stored": "expire"})
    assert [one.given for one in ledger.list_entries(people.alice)] == [True, False]

    alice.submit("/settings/data", action="/settings/data/thaw")

    assert "frozen" not in alice.page("/").text
    assert Chat(alice).send("Again", model="ok").said[0] == "Again"


def test_every_page_says_that_it_is_frozen(alice: Browser) -> None:
    for path in ("/", "/history", "/settings/profile", "/settings/data"):
        assert "Your account is frozen" in alice.page(path).text


def test_no_job_touches_what_is_frozen(alice: Browser, people: People, clock: Clock) -> None:
    before = _everything(people.alice)
    clock.advance(days=1)

    _run_every_job()

    assert _everything(people.alice) == before
    assert sum(map(len, before.values())) >= 6


def test_what_has_an_end_still_ends(alice: Browser, people: People, clock: Clock) -> None:
    """Freezing must not keep anything longer than the person was told when it was saved."""
    clock.advance(days=91)
    _run_every_job()

    assert _count("conversation") == 0


def _run_every_job() -> None:
    """All but the one that checks the promises: that is minutes of another process, on a site of its own."""
    for job in current_jobs():
        if job.name != VERIFY:
            run_now(get_job(job.name))


def _shown(chat: Chat, answer: TestResponse) -> list[Shown]:
    chat.page = Page(answer.get_data(as_text=True))
    return chat.turns


_WAYS_OUT = {"your_data.thaw", "security.logout", "conversations.delete", "accounts.end_device", "accounts.end_other_devices"}


def _conversation(account: Account) -> str:
    from chat.conversations.models import Conversation

    found = db.session.scalars(sa.select(Conversation.public_id).where(Conversation.account_id == account.id)).one()
    db.session.rollback()
    return found


def _count(table: str) -> int:
    db.session.rollback()
    return db.session.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0


def _everything(account: Account) -> dict[str, list[Any]]:
    db.session.rollback()
    return {
        store.model.__tablename__: [
            tuple(row) for row in db.session.execute(sa.select(store.model.__table__).where(store.owner == account.id))
        ]
        for store in STORES
        if store.owner is not None
    }
