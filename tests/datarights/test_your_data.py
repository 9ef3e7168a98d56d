"""The page "Your data" says what the database holds, to the row and to the byte."""

from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts import audit
from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.features import FEATURES
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.personal_data import Store
from chat.kernel.sealed import Sealed
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on, upload
from tests.conftest import Clock
from tests.people import People, sign_in

STORES = [store for feature in FEATURES for store in feature.stores]


def test_counts_and_sizes_match_the_database_exactly(app: Flask, client: Browser, people: People) -> None:
    _fill(client, people)

    page = client.page("/settings/data")

    truth = {store.title: _truth(store, people.alice) for store in STORES if store.owner is not None}
    shown = {next(one.all("h2")).text: one.with_class("holding__count")[0].text for one in page.all("section") if _is_held(one)}
    assert shown == {title: _said(*found) for title, found in truth.items() if found[0]}
    assert {next(one.all("strong")).text for one in page.with_class("unheld")[0].all("li")} == {
        title for title, found in truth.items() if not found[0]
    }
    assert f"{sum(count for count, _size in truth.values())} entries" in page.with_class("sum__detail")[0].text
    assert len(shown) >= 5


def test_each_category_says_what_for_by_which_right_and_until_when(client: Browser, people: People, clock: Clock) -> None:
    _fill(client, people)

    held = client.page("/settings/data").by_id("held-conversation").parent

    assert held is not None
    words = held.parent.text if held.parent else ""
    assert "To show you your history" in words
    assert "your consent" in words
    assert f"the next on {_day(clock.now, 90)}" in words
    assert "ncrypted under a key of your own" in words


def test_whoever_else_may_read_it_is_named(client: Browser, people: People) -> None:
    _fill(client, people)
    client.submit("/settings/requests/new", {"text": "When do you answer?"})

    alone = client.page("/settings/data").text
    ledger.give(people.alice, Purpose.IMPROVEMENT, Source.SETTINGS, kernel_clock.now())
    db.session.commit()
    shared = client.page("/settings/data").text

    assert alone.count("You alone: encrypted under a key of your own") == 2  # conversations and their messages
    assert "You, and the operator of this site, to answer it" in alone
    assert shared.count("You alone: encrypted") == 0
    assert shared.count("whoever tests and trains models for this site") == 2


def test_what_is_expired_is_not_counted_though_no_purge_came_by(client: Browser, people: People, clock: Clock) -> None:
    _fill(client, people)

    clock.advance(days=91)
    sign_in(client, people.alice)
    page = client.page("/settings/data")

    empty = page.with_class("unheld")[0].text
    assert "Saved conversations" in empty
    assert "Saved messages" in empty
    assert "Usage" in empty


def test_an_act_of_the_operator_is_shown_unless_its_reason_forbids(client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    before = client.page("/settings/data").text
    now = kernel_clock.now()
    audit.record("legal-export", reason="Court of Example, 12/2026", now=now, about=people.alice)
    audit.record("legal-export", reason="sealed order", now=now, about=people.alice, withheld=True)
    audit.record("legal-export", reason="about somebody else", now=now, about=people.bob)
    db.session.commit()

    page = client.page("/settings/data")

    assert "Nobody." in before
    assert "Court of Example, 12/2026" in page.text
    assert "sealed order" not in page.text
    assert "about somebody else" not in page.text
    assert page.by_id("held-audit_entry").parent.with_class("holding__count")[0].text.startswith("1 ")  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["/settings/data", "/settings/data/export"])
def test_the_page_leads_to_every_right(client: Browser, people: People, path: str) -> None:
    sign_in(client, people.alice)

    links = {one.get("href") for one in client.page("/settings/data").all("a")}

    assert {"/settings/data/export", "/settings/profile", "/settings/delete", "/settings/import"} <= links
    assert client.get(path).status_code == 200


def _fill(client: Browser, people: People) -> None:
    """Alice with everything, and bob beside her with as much."""
    for person, words in ((people.bob, "bob's own words"), (people.alice, "ünïcödé wörds")):
        sign_in(client, person)
        turn_history_on(client)
        Chat(client).send(words, files=upload("notes.txt", b"some notes"))
        Chat(client).send("again").send("and again")
        if person is people.bob:
            client.submit("/", action="/logout")


def _truth(store: Store, owner: Account) -> tuple[int, int]:
    """What the table holds of the owner, read row by row and counted here."""
    db.session.rollback()
    query = sa.select(*sa.inspect(store.model).local_table.columns).where(store.owner == owner.id)
    rows = db.session.execute(query if store.shown is None else query.where(store.shown)).all()
    return len(rows), sum(_weight(value) for row in rows for value in row)


def _weight(value: Any) -> int:
    match value:
        case None:
            return 0
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case Sealed(blob):
            return len(blob)
        case bool() | int() | float() | datetime() | date():
            return 8
    raise AssertionError(type(value))


def _said(count: int, size: int) -> str:
    if size < 1000:
        return f"{count} {size} bytes"
    return f"{count} {round(size / 1000, 1):g} KB"


def _is_held(section: Any) -> bool:
    return section.get("class") == "holding"


def _day(now: datetime, days: int) -> str:
    day = now.date().fromordinal(now.date().toordinal() + days)
    return f"{day.day} {day:%B %Y}"
