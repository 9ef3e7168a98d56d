"""However many requests come at the same moment, a budget is not overspent, and each of them is settled once."""

import random
import threading

import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.errors import TooMany
from chat.kernel.ids import public_id
from chat.metering.budgets import Budget, Held, reserve, settle
from chat.metering.clerk import Clerk
from chat.metering.current import current_clerk
from chat.metering.jobs import settle_abandoned
from chat.metering.models import Reservation, Spending, Usage
from tests.browser import Browser
from tests.conftest import Clock
from tests.fakes import FakeProvider
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
        try:
            clerk.do(lambda connection: reserve(connection, held, budget, "ok", now))
        except TooMany:
            return
        seen.append(clerk.do(lambda connection: _standing(connection, key)))
        cost = amount * percent // 100
        threading.Event().wait(random.random() / 200)  # spreads the work, guards nothing
        # A request that settles twice, by whichever process, settles once.
        done = [one.do(lambda connection: settle(connection, held, cost, now)) for one in clerks]
        assert sorted(done) == [False, True]
        costs.append(cost)

    threads = [threading.Thread(target=run, args=(number, *one)) for number, one in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(spent_and_held <= limit and (parallel is None or running <= parallel) for spent_and_held, running in seen)
    row = db.session.scalars(sa.select(Spending).where(Spending.key == key)).one_or_none()
    if row is None:  # the transaction that gave the key its row was undone by the refusal
        assert not seen
        assert min(amount for amount, _percent in requests) > limit
    else:
        assert row.day_spent == row.week_spent == row.month_spent == sum(costs) <= limit
        assert (row.reserved, row.running) == (0, 0)
    db.session.rollback()


def _standing(connection: sa.Connection, key: str) -> tuple[int, int]:
    row = connection.execute(
        sa.select(Spending.day_spent, Spending.reserved, Spending.running).where(Spending.key == key)
    ).one()
    return row.day_spent + row.reserved, row.running


def test_a_request_whose_process_died_costs_the_most_it_could(people: People, clock: Clock) -> None:
    held = Held(public_id(), "key", people.alice.id, 700)
    current_clerk().do(lambda connection: reserve(connection, held, Budget(), "ok", kernel_clock.now()))
    clock.advance(minutes=59)
    assert settle_abandoned() == 0

    clock.advance(minutes=2)
    assert settle_abandoned() == 1
    assert settle_abandoned() == 0

    row = db.session.scalars(sa.select(Spending)).one()
    assert (row.day_spent, row.reserved, row.running) == (700, 0, 0)
    usage = db.session.scalars(sa.select(Usage)).one()
    assert (usage.status, usage.code, usage.cost, usage.estimated) == ("failed", "abandoned", 700, True)
    db.session.rollback()
    assert not current_clerk().do(lambda connection: settle(connection, held, 1, kernel_clock.now()))


def test_a_purge_settles_too(app: Flask, people: People, clock: Clock) -> None:
    held = Held(public_id(), "key", people.alice.id, 700)
    current_clerk().do(lambda connection: reserve(connection, held, Budget(), "ok", kernel_clock.now()))
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
