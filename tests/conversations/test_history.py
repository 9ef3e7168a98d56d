"""A person's list of conversations: by day, in steps, renamed, pinned, deleted, named by a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.consent import gate, ledger
from chat.consent.gate import Reader
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.models import Conversation
from chat.conversations.queries import list_conversations
from chat.conversations.transcript import Transcript, say
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.site import Site
from chat.metering.models import Usage
from chat.providers.base import Text
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.conftest import Clock
from tests.fakes import FakeProvider
from tests.people import People, sign_in


@pytest.fixture
def alice(client: Browser, people: People) -> Browser:
    turn_history_on(sign_in(client, people.alice))
    return client


def test_steps_skip_nothing_and_show_nothing_twice(people: People, site: Site, clock: Clock) -> None:
    # Many at the same moment: the time alone would not say where a step ends.
    moments = [clock.now - timedelta(minutes=number // 50) for number in range(230)]
    store(people.alice, site, moments)
    reader = Reader(people.alice, site.keyring)

    seen, cursor, steps = [], None, 0
    while steps == 0 or cursor:
        listing = list_conversations(people.alice, reader, clock.now, before=cursor)
        seen += listing.recent
        cursor, steps = listing.older, steps + 1

    assert steps == 6
    assert len({one.public_id for one in seen}) == len(seen) == 230
    assert [one.updated_at for one in seen] == sorted((one.updated_at for one in seen), reverse=True)


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "AAAA", "MjAyNi0xMS0yMSBhAGI=", "MDAwMS0wMS0wMVQwMDowMCsxNDowMCBh", "bm93IGE="]
)
def test_a_damaged_cursor_is_a_problem(people: People, site: Site, clock: Clock, cursor: str) -> None:
    with pytest.raises(Problem):
        list_conversations(people.alice, Reader(people.alice, site.keyring), clock.now, before=cursor)


def test_the_page_opens_as_fast_with_ten_thousand_conversations(app: Flask, alice: Browser, people: People, site: Site) -> None:
    alice.page("/")  # what the whole site shares, its notices for one, is asked for again every few seconds
    with counted() as few:
        alice.page("/")
    now = datetime.now().astimezone()
    store(people.alice, site, [now - timedelta(minutes=number) for number in range(10_000)])

    alice.page("/")
    with counted() as many:
        page = alice.page("/")

    assert len(many) == len(few) <= 8, "\n".join(many)
    assert len(page.with_class("entry")) == 40
    assert _uses_the_index(people.alice)


def test_conversations_stand_under_their_day(alice: Browser, people: People, site: Site, clock: Clock) -> None:
    noon = clock.now.replace(hour=12)
    clock.now = noon
    store(people.alice, site, [noon, noon - timedelta(days=1), noon - timedelta(days=2), noon - timedelta(days=400)], days=800)

    labels = [one.text for one in alice.page("/history").first("main").all("h2", "h3")]

    assert labels[:2] == ["Today", "Yesterday"]
    assert len(labels) == 4
    assert str((noon - timedelta(days=400)).year) in labels[3]


def test_older_ones_are_a_link_away(alice: Browser, people: People, site: Site, clock: Clock) -> None:
    store(people.alice, site, [clock.now - timedelta(minutes=number) for number in range(45)])

    page = alice.page("/history")
    links = [one.get("href") for one in page.first("main").all("a") if "before=" in one.get("href")]
    older = alice.page(links[0])

    assert len(page.first("main").with_class("entry")) == 40
    assert len(older.first("main").with_class("entry")) == 5
    assert alice.get("/history?before=broken").status_code == 400


def test_a_conversation_is_renamed_pinned_and_deleted(alice: Browser) -> None:
    chat = Chat(alice).send("First words")
    saved = chat.conversation

    _post(alice, saved, "rename", title="  <b>My</b>\x00\n title ")
    renamed = alice.page(f"/c/{saved}").heading
    _post(alice, saved, "rename", title="   ")
    _post(alice, saved, "pin", pinned="yes")
    pinned = _days(alice)
    _post(alice, saved, "pin", pinned="no")
    unpinned = _days(alice)
    _post(alice, saved, "remove")

    assert renamed == "<b>My</b> title"
    assert (pinned, unpinned) == (["Pinned"], ["Today"])
    assert alice.get(f"/c/{saved}").status_code == 404
    assert db.session.query(Conversation).count() == 0


def test_all_that_is_pinned_is_in_the_list(alice: Browser, people: People, site: Site, clock: Clock) -> None:
    store(people.alice, site, [clock.now - timedelta(minutes=number) for number in range(101)])
    ids = list(db.session.scalars(sa.select(Conversation.public_id)))
    for saved in ids[:99]:
        db.session.execute(sa.update(Conversation).where(Conversation.public_id == saved).values(pinned=True))
    db.session.commit()

    statuses = [_post(alice, saved, "pin", pinned="yes").status_code for saved in (ids[99], ids[100], ids[0])]

    assert statuses == [303, 400, 303]
    listing = list_conversations(people.alice, Reader(people.alice, site.keyring), clock.now)
    assert (len(listing.pinned), len(listing.recent)) == (100, 1)


@pytest.mark.parametrize("back", ["https://example.org/", "//example.org", "/\\example.org", "/c/x y"])
def test_acts_lead_back_to_this_site_only(alice: Browser, back: str) -> None:
    saved = Chat(alice).send("Hello").conversation

    response = _post(alice, saved, "pin", pinned="yes", back=back)

    assert response.headers["Location"] == f"/c/{saved}"


def test_a_model_names_the_conversation_when_asked(alice: Browser, fake: FakeProvider) -> None:
    saved = Chat(alice).send("Tell me about the world", model="ok").conversation

    _post(alice, saved, "title")

    assert alice.page(f"/c/{saved}").heading == "Hello, world."
    assert len(fake.calls) == 2
    assert sorted(one.source for one in db.session.query(Usage)) == ["chat", "title"]


@pytest.mark.parametrize("model", ["echo-500", "cut", "reset", "trains"])
def test_a_model_that_fails_leaves_the_title(alice: Browser, model: str) -> None:
    saved = Chat(alice).send("My own words", model="ok").conversation
    db.session.execute(sa.update(Conversation).values(model=model))
    db.session.commit()

    response = _post(alice, saved, "title")

    assert response.status_code in (400, 403)
    assert alice.page(f"/c/{saved}").heading == "My own words"


def test_renaming_after_withdrawing_writes_nothing(alice: Browser, fake: FakeProvider) -> None:
    saved = Chat(alice).send("Hello", model="ok").conversation
    alice.post("/settings/privacy/history/withdraw", data={"csrf_token": alice.csrf("/"), "stored": "expire"})

    assert _post(alice, saved, "rename", title="New").status_code == 403
    assert _post(alice, saved, "title").status_code == 403
    assert alice.page(f"/c/{saved}").heading == "Hello"
    assert len(fake.calls) == 1


def store(account: Account, site: Site, moments: list[datetime], days: int = 90) -> None:
    """Save a conversation of one message for each moment."""
    ledger.give(account, Purpose.HISTORY, Source.SETTINGS, moments[0])
    permit = gate.issue(account, Purpose.HISTORY, site.keyring)
    for number, moment in enumerate(moments):
        question = say(None, (Text(f"Message {number}"),), moment)
        transcript = Transcript(turns={question.id: question}, leaf=question.id, model="echo")
        history.create(permit, account, transcript, timedelta(days=days), moment)
        if number % 500 == 499:
            db.session.flush()
            db.session.expunge_all()
            account = db.session.merge(account, load=False)
    db.session.commit()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def _days(client: Browser) -> list[str]:
    # The page also holds an empty day for its script to copy.
    return [one.text for one in client.page("/").with_class("sidebar__day") if one.text]


def _uses_the_index(account: Account) -> bool:
    if db.engine.dialect.name != "sqlite":
        return True  # PostgreSQL chooses by its statistics
    plan = db.session.execute(
        sa.text(
            "EXPLAIN QUERY PLAN SELECT * FROM conversation WHERE account_id = 1 AND expires_at > '2026' AND pinned IS 0 "
            "AND (updated_at, public_id) < ('2026', 'a') ORDER BY updated_at DESC, public_id DESC LIMIT 41"
        )
    ).all()
    return "ix_conversation_listing" in str(plan) and "B-TREE" not in str(plan)


def _post(client: Browser, saved: str, act: str, **fields: str) -> Any:
    return client.post(f"/c/{saved}/{act}", data={"csrf_token": client.csrf("/"), **fields})
