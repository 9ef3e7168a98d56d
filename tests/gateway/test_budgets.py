"""However many requests come at the same moment, a budget is not overspent, and each of them is settled once."""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, TestResponse

from chat.gateway.keys import Terms, make_key
from chat.gateway.models import ApiKey
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.ids import public_id
from chat.kernel.site import current_site
from chat.metering.budgets import Budget, Held, Reserve, Settle, reserve_all, settle_all
from chat.metering.clerk import Clerk
from chat.metering.current import current_clerk, current_pulse
from chat.metering.jobs import settle_abandoned
from chat.metering.models import Reservation, Spending, Usage
from tests.browser import Browser
from tests.chatting import providers
from tests.conftest import Clock, MakeApp
from tests.fakes import FakeProvider
from tests.gateway.conftest import KeyFor
from tests.people import People

amounts = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 100)), min_size=1, max_size=24)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=amounts, limit=st.integers(0, 1500), parallel=st.one_of(st.none(), st.integers(1, 4)))
def test_requests_at_the_same_moment_cannot_overspend(
    app: Flask, people: People, requests: list[tuple[int, int]], limit: int, parallel: int | None
) -> None:
    """Each request holds the most it can cost, and costs a part of that. Two clerks stand for two processes."""
    account_id, key = people.alice.id, public_id()
    db.session.rollback()
    clerks = (Clerk(db.engine), Clerk(db.engine))
    budget = Budget(day=limit, parallel=parallel)
    start = threading.Barrier(len(requests))
    costs: list[int] = []
    seen: list[tuple[int, int]] = []

    def run(number: int, amount: int, percent: int) -> None:
        clerk, held, now = clerks[number % 2], Held(public_id(), key, account_id, amount), kernel_clock.now()
        start.wait()
        if clerk.do_together(reserve_all, Reserve(held, budget, "ok", now)) is not None:
            return
        seen.append(clerk.do(lambda connection: _standing(connection, key)))
        cost = amount * percent // 100
        threading.Event().wait(random.random() / 200)  # spreads the work, guards nothing
        # A request that settles twice, by whichever process, settles once.
        done = [one.do_together(settle_all, Settle(held, cost, now)) for one in clerks]
        assert sorted(done) == [False, True]
        costs.append(cost)

    threads = [threading.Thread(target=run, args=(number, *one)) for number, one in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(spent_and_held <= limit and (parallel is None or running <= parallel) for spent_and_held, running in seen)
    row = db.session.scalars(sa.select(Spending).where(Spending.key == key)).one()
    assert row.day_spent == row.week_spent == row.month_spent == sum(costs) <= limit
    assert (row.reserved, row.running) == (0, 0)
    assert seen or min(amount for amount, _percent in requests) > limit
    db.session.rollback()


def _standing(connection: sa.Connection, key: str) -> tuple[int, int]:
    row = connection.execute(
        sa.select(Spending.day_spent, Spending.reserved, Spending.running).where(Spending.key == key)
    ).one()
    return row.day_spent + row.reserved, row.running


def test_a_request_whose_process_died_costs_the_most_it_could(people: People, clock: Clock) -> None:
    held = Held(public_id(), "key", people.alice.id, 700)
    current_clerk().do_together(reserve_all, Reserve(held, Budget(), "ok", kernel_clock.now()))
    clock.advance(seconds=59)
    assert settle_abandoned() == 0

    clock.advance(seconds=2)
    assert settle_abandoned() == 1
    assert settle_abandoned() == 0

    row = db.session.scalars(sa.select(Spending)).one()
    assert (row.day_spent, row.reserved, row.running) == (700, 0, 0)
    usage = db.session.scalars(sa.select(Usage)).one()
    assert (usage.status, usage.code, usage.cost, usage.estimated) == ("failed", "abandoned", 700, True)
    db.session.rollback()
    assert not current_clerk().do_together(settle_all, Settle(held, 1, kernel_clock.now()))


def test_a_request_that_takes_hours_keeps_what_it_holds(people: People, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.metering.pulse.BEAT_SECONDS", 0.02)
    held = Held(public_id(), "key", people.alice.id, 700)
    current_clerk().do_together(reserve_all, Reserve(held, Budget(), "ok", kernel_clock.now()))
    current_pulse().begin(held.public_id)
    for _ in range(3):
        clock.advance(hours=1)
        _wait_until(lambda: _alive_at(held) == clock.now)
        assert settle_abandoned() == 0

    current_pulse().end(held.public_id)
    time.sleep(0.1)
    assert current_clerk().flush()
    clock.advance(seconds=61)

    assert settle_abandoned() == 1
    assert db.session.scalars(sa.select(Spending)).one().running == 0


def test_a_key_is_free_again_minutes_after_its_process_died(client: Browser, key_for: KeyFor, clock: Clock) -> None:
    """The request of the dead process is in the database alone: nobody here says that it is alive."""
    key = key_for(Terms(parallel=1))
    row = db.session.scalars(sa.select(ApiKey)).one()
    dead = Held(public_id(), row.public_id, row.account_id, 0)
    current_clerk().do_together(reserve_all, Reserve(dead, Budget(parallel=1), "ok", kernel_clock.now()))
    body = {"model": "ok", "messages": [{"role": "user", "content": "Hi"}]}

    before = client.post("/v1/chat/completions", json=body, headers={"x-api-key": key})
    clock.advance(minutes=1, seconds=1)
    settle_abandoned()
    after = client.post("/v1/chat/completions", json=body, headers={"x-api-key": key})
    after.get_data()  # to its end, or the context of the stream would be there when the test has ended

    assert (before.status_code, after.status_code) == (429, 200)


def _alive_at(held: Held) -> datetime | None:
    db.session.rollback()
    alive_at: datetime | None = db.session.scalar(
        sa.select(Reservation.alive_at).where(Reservation.public_id == held.public_id)
    )
    return alive_at


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_purge_settles_too(app: Flask, people: People, clock: Clock) -> None:
    held = Held(public_id(), "key", people.alice.id, 700)
    current_clerk().do_together(reserve_all, Reserve(held, Budget(), "ok", kernel_clock.now()))
    clock.advance(minutes=61)

    assert app.test_cli_runner().invoke(args=["privacy", "purge"]).exit_code == 0

    row = db.session.scalars(sa.select(Spending)).one()
    assert (row.day_spent, row.reserved, row.running) == (700, 0, 0)


def test_who_leaves_in_mid_stream_is_settled(client: Browser, fake: FakeProvider, key: str) -> None:
    body = {"model": "endless", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    answer = client.post("/v1/chat/completions", json=body, headers={"x-api-key": key}, buffered=False)
    chunks = iter(answer.response)
    next(chunks), next(chunks)
    answer.close()

    assert fake.last().left.wait(5)
    assert current_clerk().flush()
    usage = db.session.scalars(sa.select(Usage)).one()
    assert (usage.status, usage.estimated) == ("stopped", True)
    assert usage.output_tokens > 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Reservation)) == 0


def test_an_answer_that_nobody_begins_to_read_is_settled(app: Flask, fake: FakeProvider, key: str) -> None:
    """The server that is called without a test's client between: that one reads the first chunk by itself."""
    body = {"model": "endless", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    request = EnvironBuilder(path="/v1/chat/completions", method="POST", json=body, headers={"x-api-key": key})

    answer = app.wsgi_app(request.get_environ(), lambda *_head: lambda _data: None)
    answer.close()  # type: ignore[attr-defined]  # WSGI's iterables may have it, and ours does

    assert fake.last().left.wait(5)
    assert current_clerk().flush()
    assert db.session.scalars(sa.select(Usage)).one().status == "stopped"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Reservation)) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_text_in_any_language_costs_no_more_than_was_held(make_app: MakeApp, fake: FakeProvider) -> None:
    """Four bytes to a token is what English has; a budget below what each byte could cost does not let the request through."""
    listed = providers(fake.url)
    listed[1]["models"][0]["price"] = {"input": 1_000_000, "output": 1_000_000}
    app = make_app({"providers": listed})
    site = current_site()
    alice, body = People(site.keyring).alice, {"model": "ok", "max_tokens": 1}

    def ask(budget: int) -> TestResponse:
        made = make_key(alice, "test", Terms(budget_day=budget), site.api_secret, kernel_clock.now())
        db.session.commit()
        said = [{"role": "user", "content": "漢" * 1000}]
        return app.test_client().post("/v1/chat/completions", json=body | {"messages": said}, headers={"x-api-key": made.key})

    assert ask(1_000_000).status_code == 200
    refused = ask(2_000)
    assert refused.status_code == 429
    assert refused.json is not None
    assert refused.json["error"]["code"] == "budget_used_up"
