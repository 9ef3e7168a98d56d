"""Spending limits that concurrent requests cannot overspend: reserve the most a request can cost, settle what it did cost.

Every function is an act for the `Clerk`: it takes a connection, and may run twice if its transaction failed. Amounts are
integers, millionths of the site's currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from chat.kernel import clock
from chat.kernel.db import db, insert_or_change
from chat.kernel.errors import TooMany
from chat.kernel.profile import Profile
from chat.metering.models import Reservation, Spending

_spending = cast(sa.Table, Spending.__table__)
_reservation = cast(sa.Table, Reservation.__table__)


class BudgetUsedUp(TooMany):
    """The key's budget does not cover the most that this request can cost."""

    code = "budget_used_up"


class TooManyAtOnce(TooMany):
    """The key has as many requests under way as it may have."""

    code = "too_many_at_once"


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a key may spend in a period, and have under way at once; None is no limit."""

    day: int | None = None
    week: int | None = None
    month: int | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True)
class Periods:
    """The day, the week (from Monday) and the month that a moment belongs to, each by its first day, in UTC."""

    day: date
    week: date
    month: date

    @classmethod
    def of(cls, moment: datetime) -> "Periods":
        day = moment.date()
        return cls(day, day - timedelta(days=day.weekday()), day.replace(day=1))


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation: its id, whose it is, and how much it holds."""

    public_id: str
    key: str
    account_id: int
    amount: int


def reserve(connection: sa.Connection, held: Held, budget: Budget, model: str, now: datetime) -> TooMany | None:
    """Hold `held.amount` of the key's budget. Return None, or why nothing is held: BudgetUsedUp or TooManyAtOnce.

    It is not raised here: that would undo, and do again one by one, what others wrote in the same transaction.
    """
    periods = Periods.of(now)
    if not _hold(connection, held, budget, periods):
        _open(connection, held, periods)  # its first request, perhaps
        if not _hold(connection, held, budget, periods):
            return _why_not(connection, held, budget, periods, now)
    connection.execute(
        _INSERT,
        {
            "public_id": held.public_id,
            "key": held.key,
            "account_id": held.account_id,
            "amount": held.amount,
            "model": model,
            "made_at": now,
        },
    )
    return None


def settle(connection: sa.Connection, held: Held, cost: int, now: datetime) -> bool:
    """Turn the reservation into what the request did cost. Returns False if it was settled before; then nothing changes."""
    gone = connection.execute(_DELETE, {"gone": held.public_id})
    if gone.rowcount == 0:
        return False
    _spend(connection, held.key, held.amount, cost, Periods.of(now))
    return True


def fold(reservations: Sequence[Mapping[str, Any]], _profile: Profile) -> None:
    """Turn reservations that were just deleted into spending, in the running transaction of the session.

    What their requests did cost is not known any more, so they cost the most they could: a budget is never overspent.
    """
    periods = Periods.of(clock.now())
    for one in reservations:
        _spend(db.session.connection(), one["key"], one["amount"], one["amount"], periods)


def list_abandoned(connection: sa.Connection, before: datetime, most: int = 100) -> list[tuple[Held, str]]:
    """Return reservations made before that moment, with their models: their process died, or they hang."""
    rows = connection.execute(
        sa.select(_reservation).where(_reservation.c.made_at < before).order_by(_reservation.c.made_at).limit(most)
    )
    return [(Held(row.public_id, row.key, row.account_id, row.amount), row.model) for row in rows]


def _spend(connection: sa.Connection, key: str, amount: int, cost: int, periods: Periods) -> None:
    connection.execute(
        _SETTLE,
        {
            "of": key,
            "cost": cost,
            "amount": amount,
            "today": periods.day,
            "this_week": periods.week,
            "this_month": periods.month,
        },
    )


def _spent(column: str, parameter: str) -> sa.ColumnElement[int]:
    """What was spent in the running period: what stands in the row, if it is of that period."""
    started, spent = _spending.c[column], _spending.c[f"{column}_spent"]
    return sa.case((started == sa.bindparam(parameter, type_=sa.Date), spent), else_=0)


def _fits(column: str, parameter: str) -> sa.ColumnElement[bool]:
    limit = sa.bindparam(f"{column}_limit", type_=sa.BigInteger)
    return sa.or_(limit.is_(None), _spent(column, parameter) + _spending.c.reserved + _amount <= limit)


_amount = sa.bindparam("amount", type_=sa.BigInteger)
_parallel = sa.bindparam("parallel", type_=sa.Integer)
_PERIODS = (("day", "today"), ("week", "this_week"), ("month", "this_month"))
_HOLD = (
    sa.update(_spending)
    .where(
        _spending.c.key == sa.bindparam("of"),
        sa.or_(_parallel.is_(None), _spending.c.running < _parallel),
        *(_fits(column, parameter) for column, parameter in _PERIODS),
    )
    .values(reserved=_spending.c.reserved + _amount, running=_spending.c.running + 1)
)
_INSERT = sa.insert(_reservation)
_DELETE = sa.delete(_reservation).where(_reservation.c.public_id == sa.bindparam("gone"))
_SETTLE = (
    sa.update(_spending)
    .where(_spending.c.key == sa.bindparam("of"))
    .values(
        reserved=_spending.c.reserved - _amount,
        running=_spending.c.running - 1,
        **{f"{column}_spent": _spent(column, name) + sa.bindparam("cost", type_=sa.BigInteger) for column, name in _PERIODS},
        **{column: sa.bindparam(name, type_=sa.Date) for column, name in _PERIODS},
    )
)


def _hold(connection: sa.Connection, held: Held, budget: Budget, periods: Periods) -> bool:
    taken = connection.execute(
        _HOLD,
        {
            "of": held.key,
            "amount": held.amount,
            "today": periods.day,
            "this_week": periods.week,
            "this_month": periods.month,
            "day_limit": budget.day,
            "week_limit": budget.week,
            "month_limit": budget.month,
            "parallel": budget.parallel,
        },
    )
    return taken.rowcount == 1


def _open(connection: sa.Connection, held: Held, periods: Periods) -> None:
    """Give the key its row, if it has none."""
    connection.execute(
        insert_or_change(Spending, connection)
        .values(
            key=held.key,
            account_id=held.account_id,
            day=periods.day,
            day_spent=0,
            week=periods.week,
            week_spent=0,
            month=periods.month,
            month_spent=0,
            reserved=0,
            running=0,
        )
        .on_conflict_do_nothing()
    )


def _why_not(connection: sa.Connection, held: Held, budget: Budget, periods: Periods, now: datetime) -> TooMany:
    row = connection.execute(sa.select(_spending).where(_spending.c.key == held.key)).one_or_none()
    if row is None or (budget.parallel is not None and row.running >= budget.parallel):
        return TooManyAtOnce("This key has as many requests under way as it may have. Wait until one has ended.", retry_after=1)
    named = (
        ("day", budget.day, row.day, row.day_spent, periods.day, timedelta(days=1)),
        ("week", budget.week, row.week, row.week_spent, periods.week, timedelta(days=7)),
    )
    for name, limit, started, spent, period, length in named:
        if limit is not None and (spent if started == period else 0) + row.reserved + held.amount > limit:
            return _used_up(name, period + length, now)
    return _used_up("month", (periods.month + timedelta(days=32)).replace(day=1), now)


def _used_up(name: str, renewed: date, now: datetime) -> BudgetUsedUp:
    begins = datetime(renewed.year, renewed.month, renewed.day, tzinfo=now.tzinfo)
    return BudgetUsedUp(
        f"The budget of this key for the {name} does not cover what this request may cost. Ask for fewer tokens, wait for the "
        f"next {name}, or raise the budget.",
        retry_after=max(1, round((begins - now).total_seconds())),
    )
