"""Usage by day: exactly what the forgotten calls came to, and nothing of a single one."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.features import FEATURES
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.site import Site, current_site
from chat.metering.ledger import Measure, Source, Status, usage_row, write_usage
from chat.metering.models import Usage, UsageTotal
from chat.retention.jobs import purge
from chat.retention.purge import Pace, steps
from tests.conftest import Clock, MakeApp
from tests.people import People

STORES = tuple(store for feature in FEATURES for store in feature.stores)
USAGE = next(store for store in STORES if store.model is Usage)


def test_calls_past_their_time_become_totals_of_their_days(people: People, clock: Clock) -> None:
    clock.now = clock.now.replace(hour=12)
    alice = people.alice.id
    for account in (alice, alice, None):
        _call(account, clock.now)
    _call(alice, clock.advance(days=1))

    clock.advance(days=30)
    purge()

    day = (clock.now - timedelta(days=31)).replace(hour=0, minute=0, second=0)
    assert _totals() == [
        (None, day, 1, 7, 2),
        (alice, day, 2, 14, 4),
        (alice, day + timedelta(days=1), 1, 7, 2),
    ]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Usage.__table__)) == 0


def test_later_calls_of_the_same_day_are_added(people: People, clock: Clock) -> None:
    clock.now = clock.now.replace(hour=1)
    _call(people.alice.id, clock.now)
    _call(people.alice.id, clock.advance(hours=6))
    for hours in (24 * 30 - 6, 6):
        clock.advance(hours=hours)
        purge()

    assert [total[2:] for total in _totals()] == [(2, 14, 4)]


def test_keys_are_told_apart_and_their_costs_added_up(people: People, clock: Clock, site: Site) -> None:
    calls = [("first", 5, False), ("first", 7, True), ("second", 2**40, False), (None, 0, False)]
    for key, cost, estimated in calls:
        _api_call(people.alice.id, key, cost, estimated=estimated, now=clock.now)
    clock.advance(days=30)

    purge()

    columns = (UsageTotal.key, UsageTotal.calls, UsageTotal.estimated, UsageTotal.cost)
    rows = db.session.execute(sa.select(*columns).order_by(sa.func.coalesce(UsageTotal.key, ""))).all()
    assert [tuple(row) for row in rows] == [(None, 1, 0, 0), ("first", 2, 1, 12), ("second", 1, 0, 2**40)]


def test_a_crash_between_deleting_and_committing_counts_nothing(people: People, clock: Clock, site: Site) -> None:
    _call(people.alice.id, clock.now)
    clock.advance(days=30)

    next(steps(USAGE, STORES, site.profile, Pace()))
    db.session.rollback()
    purge()
    purge()

    assert [total[2:] for total in _totals()] == [(1, 7, 2)]


def test_two_purges_at_the_same_time_count_each_call_once(app: Flask, people: People, clock: Clock) -> None:
    for _ in range(200):
        _call(people.alice.id, clock.now)
    clock.advance(days=30)
    db.session.remove()

    threads = [threading.Thread(target=_purge_of, args=(app,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [total[2:] for total in _totals()] == [(200, 1400, 400)]


def test_a_site_that_keeps_no_calls_writes_none_and_still_adds_them_up(make_app: MakeApp, clock: Clock) -> None:
    make_app({"retention.request_logs": 0})
    alice = People(current_site().keyring).alice.id

    for _ in range(2):
        _call(alice, clock.now)

    assert db.session.scalar(sa.select(sa.func.count()).select_from(Usage.__table__)) == 0
    assert [total[2:] for total in _totals()] == [(2, 14, 4)]


def test_a_site_that_keeps_no_totals_writes_none(make_app: MakeApp, clock: Clock) -> None:
    make_app({"retention.usage_totals": 0})
    _call(People(current_site().keyring).alice.id, clock.now)
    clock.advance(days=30)

    purge()

    assert db.session.scalar(sa.select(sa.func.count()).select_from(UsageTotal.__table__)) == 0


def test_totals_go_when_their_own_time_is_up(people: People, site: Site, clock: Clock) -> None:
    _call(people.alice.id, clock.now)
    clock.advance(days=30)
    purge()
    assert len(_totals()) == 1

    clock.advance(days=site.profile.retention.usage_totals)
    purge()

    assert db.session.scalar(sa.select(sa.func.count()).select_from(UsageTotal.__table__)) == 0


@pytest.mark.parametrize("column", ["code", "first_token_ms", "total_ms", "at", "source", "status", "input_bytes"])
def test_no_column_tells_of_a_single_call(column: str) -> None:
    assert column not in UsageTotal.__table__.columns


def _purge_of(app: Flask) -> None:
    with app.app_context():
        purge()
        db.session.remove()


def _call(account: int | None, now: datetime) -> None:
    measure = Measure(
        status=Status.DONE,
        code=None,
        input_bytes=100,
        output_bytes=9,
        input_estimate=25,
        input_tokens=7,
        output_tokens=2,
        first_token_ms=3,
        total_ms=4,
    )
    assert kernel_clock.now() == now
    row = usage_row(account_id=account, source=Source.CHAT, model="m", provider="p", measure=measure, now=now)
    write_usage(db.session.connection(), [row], current_site().profile)
    db.session.commit()


def _api_call(account: int, key: str | None, cost: int, *, estimated: bool, now: datetime) -> None:
    measure = Measure(
        status=Status.DONE,
        code=None,
        input_bytes=100,
        output_bytes=9,
        input_estimate=25,
        input_tokens=7,
        output_tokens=None if estimated else 2,
        first_token_ms=3,
        total_ms=4,
    )
    row = usage_row(
        account_id=account, source=Source.API, model="m", provider="p", measure=measure, now=now, key=key, cost=cost
    )
    db.session.connection().execute(sa.insert(Usage), row)
    db.session.commit()


def _totals() -> list[Any]:
    key = (UsageTotal.account_id, UsageTotal.day, UsageTotal.calls, UsageTotal.input_tokens, UsageTotal.output_tokens)
    rows = db.session.execute(sa.select(*key)).all()
    return sorted((tuple(row) for row in rows), key=lambda row: (row[0] or 0, row[1]))
