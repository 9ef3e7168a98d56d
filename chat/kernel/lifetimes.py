"""When a row's time is up, said once for everybody: no query sees such a row, and the purge deletes it.

`hide_what_is_over` puts the condition into every SELECT and UPDATE of the session, also in joins, subqueries and unions, so
that no query has to remember it (docs/adr/0006). A DELETE reaches every row. What goes round the session sees every row
too: the purge, and nothing else (tests/shape/test_lifetimes.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, has_app_context
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.interfaces import CriteriaOption

from chat.kernel import clock
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile

# Execution options for who must see every row, as the one who reads back after a deletion does.
EVEN_EXPIRED = {"even_expired": True}
_EXTENSION = "candor_lifetimes"
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def is_over(store: Store, profile: Profile, now: datetime) -> sa.ColumnElement[bool] | None:
    """Return the condition under which the time of a row is up; None where rows have no age of their own.

    It names the table's own columns, so that it can be used where nothing is hidden.
    """
    table = store.model.__table__
    ends = [table.c[limit.column] <= limit.moment(now) for limit in list_limits(store, profile)]
    return sa.or_(*ends) if ends else None


def link_to_parent(store: Store) -> sa.Column[Any]:
    """Return the column by which rows of a store that `goes_with` another point to that one's rows."""
    assert store.goes_with is not None
    target = store.goes_with.__table__
    return next(key.parent for key in store.model.__table__.foreign_keys if key.column.table is target)


def hide_what_is_over(app: Flask, stores: tuple[Store, ...], profile: Profile) -> None:
    """Let no query of this application's session see a row whose time is up."""
    by_model = {store.model: store for store in stores}
    criteria = []
    for store in stores:
        model, condition = store.model, _still_lives(store, by_model, profile)
        if condition is not None:
            criteria.append(with_loader_criteria(model, condition, include_aliases=True, propagate_to_loaders=False))
    limits = str([(store.model.__tablename__, list_limits(store, profile)) for store in stores])
    app.extensions[_EXTENSION] = _Hiding(criteria, limits)


@dataclass(frozen=True, slots=True)
class Limit:
    """A row lives while `column` is after this long ago."""

    column: str
    span: timedelta

    def moment(self, now: datetime) -> datetime:
        """Return the last moment of the column with which a row does not live any more."""
        try:
            return now - self.span
        except OverflowError:
            return _EARLIEST  # longer than there have been dates


def list_limits(store: Store, profile: Profile) -> list[Limit]:
    """Return what ends the life of a row, whichever comes first; nothing where rows have no age of their own."""
    limits = []
    if store.expires is not None:
        limits.append(Limit(store.expires.key, timedelta(0)))
        if store.longest is not None:
            limits.append(Limit(store.born.key, store.longest(profile)))
    elif store.born is not None and store.keep_for is not None:
        limits.append(Limit(store.born.key, store.keep_for(profile)))
    return limits


def _still_lives(store: Store, by_model: dict[Any, Store], profile: Profile) -> sa.ColumnElement[bool] | None:
    if store.goes_with is None:
        return _alive(store, profile, lambda name: getattr(store.model, name))
    # Under a name of its own: the query around it may join the parent too.
    parent = store.goes_with.__table__.alias()
    alive = _alive(by_model[store.goes_with], profile, lambda name: parent.c[name])
    if alive is None:
        return None
    link = link_to_parent(store)
    target = next(iter(link.foreign_keys)).column.key
    column = getattr(store.model, link.key)
    return sa.exists().where(parent.c[target] == column, alive)


def _alive(store: Store, profile: Profile, named: Callable[[str], Any]) -> sa.ColumnElement[bool] | None:
    conditions = []
    for limit in list_limits(store, profile):
        column, declared = named(limit.column), store.model.__table__.c[limit.column]
        # The time is asked for with each execution: the statement and its compiled form stay the same.
        moment = sa.bindparam(None, callable_=_teller(limit), type_=declared.type, unique=True)
        conditions.append(sa.or_(column.is_(None), column > moment) if declared.nullable else column > moment)
    return sa.and_(*conditions) if conditions else None


def _teller(limit: Limit) -> Callable[[], datetime]:
    return lambda: limit.moment(clock.now())


class _Hiding(CriteriaOption):
    """All the criteria as one option with one constant cache key: a tenth of what they cost a query one by one.

    The key is what they say in words, so that applications under the same limits share what was compiled.
    """

    def __init__(self, criteria: Iterable[Any], key: str) -> None:
        self._criteria = tuple(criteria)
        self._key = key

    def process_compile_state(self, compile_state: Any) -> None:
        self.get_global_criteria(compile_state.global_attributes)

    def process_compile_state_replaced_entities(self, compile_state: Any, mapper_entities: Any) -> None:
        self.process_compile_state(compile_state)

    def get_global_criteria(self, attributes: dict[Any, Any]) -> None:
        for one in self._criteria:
            one.get_global_criteria(attributes)

    def _gen_cache_key(self, anon_map: Any, bindparams: Any) -> tuple[Any, ...]:
        return (_Hiding, self._key)


@sa.event.listens_for(Session, "do_orm_execute")
def _hide(state: ORMExecuteState) -> None:
    # A column load completes an object that this session has seen already.
    if not (state.is_select or state.is_update) or not state.is_orm_statement or state.is_column_load:
        return
    if not has_app_context() or state.execution_options.get("even_expired"):
        return
    hiding = current_app.extensions.get(_EXTENSION)
    if hiding is not None:
        state.statement = state.statement.options(hiding)
