"""What is past its time exists for no query, whatever it looks like, before any purge has come by."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import aliased

from chat.accounts.models import Account
from chat.features import FEATURES
from chat.kernel import lifetimes
from chat.kernel.db import db
from chat.kernel.lifetimes import EVEN_EXPIRED
from chat.kernel.personal_data import Store
from chat.kernel.site import Site, current_site
from chat.retention.purge import ageing
from tests.conftest import Clock, MakeApp
from tests.people import People
from tests.retention.rows import count, lifetime, make_row

STORES = tuple(store for feature in FEATURES for store in feature.stores)
AGED = [one for one in STORES if one in ageing(STORES) or one.goes_with is not None]
each_aged = pytest.mark.parametrize("store", AGED, ids=lambda store: store.model.__tablename__)


@each_aged
def test_no_query_sees_a_row_whose_time_is_up(people: People, site: Site, clock: Clock, store: Store) -> None:
    account = people.alice.id
    row = make_row(store, STORES, account, clock.now, clock.now + timedelta(days=1))
    before = [name for name, query in _queries(store).items() if _finds(query, row)]
    clock.advance(seconds=lifetime(store, STORES, site.profile).total_seconds())

    after = [name for name, query in _queries(store).items() if _finds(query, row)]

    assert (before, after) == (list(_queries(store)), [])
    assert db.session.get(store.model, row) is None
    assert count(store) == 1
    assert _finds(_queries(store)["rows"], row, **EVEN_EXPIRED)


@each_aged
def test_an_instant_earlier_every_query_sees_it(people: People, site: Site, clock: Clock, store: Store) -> None:
    row = make_row(store, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(seconds=lifetime(store, STORES, site.profile).total_seconds(), microseconds=-1)

    assert [name for name, query in _queries(store).items() if not _finds(query, row)] == []


@each_aged
def test_no_update_reaches_it_but_every_delete_does(people: People, site: Site, clock: Clock, store: Store) -> None:
    row = make_row(store, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(seconds=lifetime(store, STORES, site.profile).total_seconds())
    model: Any = store.model

    assert _changed(sa.update(model).where(model.id == row).values(id=model.id)) == 0
    assert _changed(sa.delete(model).where(model.id == row)) == 1


def test_a_lowered_ceiling_holds_for_what_is_there(make_app: MakeApp, clock: Clock) -> None:
    make_app()
    store = next(one for one in STORES if one.longest is not None)
    account = _people().alice.id
    old = make_row(store, STORES, account, clock.now - timedelta(days=8), clock.now + timedelta(days=50))
    young = make_row(store, STORES, account, clock.now - timedelta(days=6), clock.now + timedelta(days=50))

    make_app({"retention.history": 7, "retention.history_longest": 7})

    assert list(db.session.scalars(sa.select(store.model.id))) == [young]  # type: ignore[attr-defined]
    assert old != young


def test_two_moments_share_one_compiled_statement(people: People, clock: Clock) -> None:
    """A statement that kept the first moment it was compiled with would show everything for ever."""
    store = AGED[0]
    query = _queries(store)["rows"]
    row = make_row(store, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))

    assert _finds(query, row)
    clock.advance(days=400)
    assert not _finds(query, row)


def test_a_lifetime_longer_than_there_have_been_dates_hides_nothing(make_app: MakeApp, clock: Clock) -> None:
    make_app({"retention.request_logs": 30, "retention.history_longest": 2_000_000})
    store = next(one for one in STORES if one.longest is not None)

    row = make_row(store, STORES, _people().alice.id, clock.now, clock.now + timedelta(days=1))

    assert _finds(_queries(store)["rows"], row)


def test_without_the_hook_the_rows_would_show(app: Flask, people: People, clock: Clock) -> None:
    """The tests above look at the hook, and at nothing that would hide rows anyway."""
    store = AGED[0]
    row = make_row(store, STORES, people.alice.id, clock.now, clock.now + timedelta(days=1))
    clock.advance(days=400)

    del app.extensions[lifetimes._EXTENSION]

    assert _finds(_queries(store)["rows"], row)


def _queries(store: Store) -> dict[str, sa.Select[Any] | sa.CompoundSelect[Any]]:
    """The same question in every form that a query of ours may have. Each answers with the row's id."""
    model: Any = store.model
    other = aliased(model)
    below = sa.select(model.id).subquery()
    # A table that is about nobody can be joined to anybody.
    belongs = sa.true() if store.owner is None else store.owner == Account.id
    comma = {} if store.owner is None else {"comma": sa.select(model.id).where(belongs)}
    return comma | {
        "rows": sa.select(model.id),
        "objects": sa.select(model),
        "alias": sa.select(other.id),
        "aggregate": sa.select(sa.func.max(model.id)),
        "only in where": sa.select(sa.literal_column(f"{model.__tablename__}.id")).where(model.id > 0),
        "join": sa.select(model.id).join(Account, belongs),
        "joined": sa.select(model.id).select_from(Account).join(model, belongs),
        "outer join": sa.select(model.id).select_from(Account).outerjoin(model, belongs),
        "subquery": sa.select(below.c.id),
        "in": sa.select(other.id).where(other.id.in_(sa.select(model.id))),
        "scalar": sa.select(sa.select(sa.func.max(model.id)).scalar_subquery()),
        "exists": sa.select(sa.select(sa.func.max(model.id)).scalar_subquery()).where(sa.exists().where(model.id > 0)),
        "union": sa.union(sa.select(model.id), sa.select(model.id)),
        "with": sa.select(sa.select(model.id).cte().c.id),
    }


def _finds(query: Any, row: int, **options: bool) -> bool:
    db.session.expire_all()
    found = db.session.execute(query, execution_options=options).scalars().all()
    return row in [getattr(one, "id", one) for one in found]


def _changed(statement: Any) -> int:
    result: Any = db.session.execute(statement, execution_options={"synchronize_session": False})
    changed: int = result.rowcount
    return changed


def _people() -> People:
    return People(current_site().keyring)
