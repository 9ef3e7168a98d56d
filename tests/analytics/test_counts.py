"""Counting pages: only of those who said yes, only by the route's name, and about nobody."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.analytics.counts import Waiting, list_counts, write
from chat.analytics.models import PageCount
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Interest, Purpose
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.metering.models import Usage, UsageTotal
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import People, sign_in

OFFERED = {
    "consents.offered": ["history", "analytics"],
    "cookies.kinds": ["essential", "analytics"],
    "cookies.analytics": True,
}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(OFFERED)


def test_a_guest_who_said_yes_is_counted_by_the_routes_name(app: Flask, client: Browser) -> None:
    client.page("/privacy")
    _agree(client)
    _start_anew(app)
    client.page("/privacy")
    client.page("/privacy")
    client.page("/nowhere", status=404)

    assert _counted(app) == {"policy.privacy": 2}


def test_nobody_else_is_counted(app: Flask, client: Browser, people: People) -> None:
    client.page("/privacy")
    client.submit("/", action="/cookies")
    client.page("/privacy")
    other: Any = app.test_client()
    sign_in(other, people.alice).page("/privacy")
    _agree(client)
    _start_anew(app)
    client.page("/privacy", headers={"Sec-GPC": "1"})

    assert _counted(app) == {}


def test_an_account_is_counted_by_its_ledger_and_not_by_the_browsers_cookie(
    app: Flask, client: Browser, people: People
) -> None:
    _agree(client)
    sign_in(client, people.alice)
    _start_anew(app)
    client.page("/privacy")
    before = _counted(app)
    client.submit("/settings/privacy", action="/analytics/give")
    _start_anew(app)
    client.page("/privacy")
    during = _counted(app)
    client.submit("/settings/privacy", action="/analytics/withdraw")
    _start_anew(app)
    client.page("/privacy")

    assert (before, during, _counted(app)) == ({}, {"policy.privacy": 1}, {})


def test_a_site_that_asks_nobody_does_not_even_listen(make_app: MakeApp) -> None:
    assert "candor_page_counts" not in make_app({"site.name": "Plain"}).extensions


def test_what_waits_is_written_in_time(app: Flask, client: Browser, clock: Clock) -> None:
    _agree(client)
    _start_anew(app)
    client.page("/privacy")
    waits = db.session.query(PageCount).count()
    clock.advance(seconds=61)
    client.page("/privacy")

    assert waits == 0
    assert [(one.page, one.count) for one in db.session.query(PageCount)] == [("policy.privacy", 2)]


def test_counts_add_up_by_day(app: Flask, clock: Clock) -> None:
    waiting = Waiting()
    for _ in range(3):
        waiting.add("a", clock.now)
    write(waiting.take())
    waiting.add("a", clock.advance(days=1))
    waiting.add("b", clock.now)
    write(waiting.take())
    waiting.add("b", clock.now)
    write(waiting.take())
    db.session.commit()

    assert [(page, count) for _, page, count in list_counts(clock.now)] == [("b", 2), ("a", 1)]
    output = app.test_cli_runner().invoke(args=["analytics", "show"]).output
    assert output.splitlines()[-1] == "6 pages on 2 days."


def test_counts_go_when_their_time_is_up(app: Flask, clock: Clock) -> None:
    waiting = Waiting()
    waiting.add("a", clock.now)
    write(waiting.take())
    db.session.commit()

    clock.advance(days=366)

    assert list_counts(clock.now.replace(year=2000)) == []


def test_no_column_could_say_who_it_was() -> None:
    assert set(sa.inspect(PageCount).columns.keys()) == {"id", "day", "page", "count"}


def test_statistics_leave_out_who_objects(app: Flask, people: People) -> None:
    for account in (people.alice, people.bob, None):
        db.session.add(_call(account.id if account else None))
    for account in (people.alice, people.bob):
        db.session.add(_day_total(account.id))
    ledger.object_to(people.alice, Interest.STATISTICS, Source.OBJECTION, kernel_clock.now())
    db.session.commit()

    output = app.test_cli_runner().invoke(args=["analytics", "usage"]).output

    assert "7 requests on 1 days." in output
    assert not ledger.objects(people.bob, Purpose.ANALYTICS)


def _day_total(account_id: int) -> UsageTotal:
    day = kernel_clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return UsageTotal(account_id=account_id, day=day, model="echo", provider="echo", calls=5, input_tokens=1, output_tokens=1)


def _call(account_id: int | None) -> Usage:
    return Usage(
        account_id=account_id, at=kernel_clock.now(), source="chat", model="echo", provider="echo", status="done",
        input_bytes=1, output_bytes=1, input_tokens=1, output_tokens=1, estimated=False, total_ms=1,
    )  # fmt: skip


def _agree(client: Browser) -> None:
    client.post("/cookies", data={"csrf_token": client.csrf("/cookies"), "analytics": "yes"})


def _start_anew(app: Flask) -> None:
    app.extensions["candor_page_counts"].take()


def _counted(app: Flask) -> dict[str, int]:
    return {page: count for (_, page), count in app.extensions["candor_page_counts"].take().items()}
