"""Spending limits that concurrent requests cannot overspend: reserve the most a request can cost, settle what it did cost.

Every function takes a connection and may run twice if its transaction failed, as the `Clerk` has it. What many requests
write at the same moment goes together, so that a key's row is written once for all of them. Amounts are integers,
millionths of the site's currency.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Reserve:
    """A request that wants to begin."""

    held: Held
    budget: Budget
    model: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Settle:
    """A request that has ended, and what it did cost."""

    held: Held
    cost: int
    now: datetime


def reserve_all(connection: sa.Connection, wanted: Sequence[Reserve]) -> list[TooMany | None]:
    """Hold the amounts of their keys' budgets. Return for each None, or why nothing is held: BudgetUsedUp or TooManyAtOnce.

    It is not raised here: that would undo, and do again one by one, what others wrote in the same transaction.
    """
    refusals: dict[str, TooMany] = {}
    for (key, budget, periods), group in _grouped(wanted).items():
        first = group[0].held
        if _hold(connection, group, budget, periods):
            continue
        _open(connection, key, first.account_id, periods)  # its first request, perhaps
        for one in group:
            if not _hold(connection, [one], budget, periods):
                refusals[one.held.public_id] = _why_not(connection, one.held, budget, periods, one.now)
    rows = [_row(one) for one in wanted if one.held.public_id not in refusals]
    if rows:
        connection.execute(_INSERT, rows)
    return [refusals.get(one.held.public_id) for one in wanted]


def settle_all(connection: sa.Connection, ended: Sequence[Settle]) -> list[bool]:
    """Turn reservations into what the requests did cost. False for one that was settled before; then nothing changes."""
    gone = set(connection.scalars(_DELETE, {"gone": [one.held.public_id for one in ended]}))
    settled = []
    for one in ended:
        settled.append(one.held.public_id in gone)
        gone.discard(one.held.public_id)
    _spend(connection, ((one.held, one.cost, Periods.of(one.now)) for one, did in zip(ended, settled, strict=True) if did))
    return settled


def lock(connection: sa.Connection, keys: set[str]) -> None:
    """Lock these keys' rows in one order, so that two processes that write for many keys never wait for each other."""
    if len(keys) > 1 and connection.dialect.name == "postgresql":  # SQLite has one writer
        connection.execute(_LOCK, {"keys": sorted(keys)})


def fold(reservations: Sequence[Mapping[str, Any]], _profile: Profile) -> None:
    """Turn reservations that were just deleted into spending, in the running transaction of the session.

    What their requests did cost is not known any more, so they cost the most they could: a budget is never overspent.
    """
    periods = Periods.of(clock.now())
    held = (Held(one["public_id"], one["key"], one["account_id"], one["amount"]) for one in reservations)
    _spend(db.session.connection(), ((one, one.amount, periods) for one in held))


def say_alive(connection: sa.Connection, public_ids: Sequence[str], now: datetime) -> None:
    """Write that these requests are under way at this moment. What was settled meanwhile stays gone."""
    for start in range(0, len(public_ids), _ROWS):
        connection.execute(_BEAT, {"alive": public_ids[start : start + _ROWS], "now": now})


def list_abandoned(connection: sa.Connection, before: datetime, most: int = 100) -> list[tuple[Held, str]]:
    """Return reservations that nobody has said to be alive since that moment, with their models: their process died."""
    rows = connection.execute(
        sa.select(_reservation).where(_reservation.c.alive_at < before).order_by(_reservation.c.alive_at).limit(most)
    )
    return [(Held(row.public_id, row.key, row.account_id, row.amount), row.model) for row in rows]


def _grouped(wanted: Sequence[Reserve]) -> dict[tuple[str, Budget, Periods], list[Reserve]]:
    groups: dict[tuple[str, Budget, Periods], list[Reserve]] = {}
    for one in wanted:
        groups.setdefault((one.held.key, one.budget, Periods.of(one.now)), []).append(one)
    return groups


def _row(wanted: Reserve) -> dict[str, object]:
    held = wanted.held
    return {
        "public_id": held.public_id,
        "key": held.key,
        "account_id": held.account_id,
        "amount": held.amount,
        "model": wanted.model,
        "alive_at": wanted.now,
    }


def _spend(connection: sa.Connection, ended: Iterable[tuple[Held, int, Periods]]) -> None:
    """Add up what ended requests held and did cost, and write each key's row once."""
    sums: dict[tuple[str, Periods], Counter[str]] = {}
    for held, cost, periods in ended:
        sums.setdefault((held.key, periods), Counter()).update(amount=held.amount, cost=cost, count=1)
    for (key, periods), sum_ in sums.items():
        named = {"today": periods.day, "this_week": periods.week, "this_month": periods.month}
        connection.execute(_SETTLE, {"of": key, "amount": sum_["amount"], "cost": sum_["cost"], "count": sum_["count"]} | named)


def _spent(column: str, parameter: str) -> sa.ColumnElement[int]:
    """What was spent in the running period: what stands in the row, if it is of that period."""
    started, spent = _spending.c[column], _spending.c[f"{column}_spent"]
    return sa.case((started == sa.bindparam(parameter, type_=sa.Date), spent), else_=0)


def _fits(column: str, parameter: str) -> sa.ColumnElement[bool]:
    limit = sa.bindparam(f"{column}_limit", type_=sa.BigInteger)
    return sa.or_(limit.is_(None), _spent(column, parameter) + _spending.c.reserved + _amount <= limit)


_amount = sa.bindparam("amount", type_=sa.BigInteger)
_count = sa.bindparam("count", type_=sa.Integer)
_parallel = sa.bindparam("parallel", type_=sa.Integer)
_PERIODS = (("day", "today"), ("week", "this_week"), ("month", "this_month"))
_HOLD = (
    sa.update(_spending)
    .where(
        _spending.c.key == sa.bindparam("of"),
        sa.or_(_parallel.is_(None), _spending.c.running + _count <= _parallel),
        *(_fits(column, parameter) for column, parameter in _PERIODS),
    )
    .values(reserved=_spending.c.reserved + _amount, running=_spending.c.running + _count)
)
_INSERT = sa.insert(_reservation)
_DELETE = (
    sa.delete(_reservation)
    .where(_reservation.c.public_id.in_(sa.bindparam("gone", expanding=True)))
    .returning(_reservation.c.public_id)
)
_ROWS = 500
_BEAT = (
    sa.update(_reservation)
    .where(_reservation.c.public_id.in_(sa.bindparam("alive", expanding=True)))
    .values(alive_at=sa.bindparam("now", type_=_reservation.c.alive_at.type))
)
_LOCK = (
    sa.select(_spending.c.key)
    .where(_spending.c.key.in_(sa.bindparam("keys", expanding=True)))
    .order_by(_spending.c.key)
    .with_for_update()
)
_SETTLE = (
    sa.update(_spending)
    .where(_spending.c.key == sa.bindparam("of"))
    .values(
        reserved=_spending.c.reserved - _amount,
        running=_spending.c.running - _count,
        **{f"{column}_spent": _spent(column, name) + sa.bindparam("cost", type_=sa.BigInteger) for column, name in _PERIODS},
        **{column: sa.bindparam(name, type_=sa.Date) for column, name in _PERIODS},
    )
)


def _hold(connection: sa.Connection, group: Sequence[Reserve], budget: Budget, periods: Periods) -> bool:
    """Hold what the whole group asks for, or nothing."""
    taken = connection.execute(
        _HOLD,
        {
            "of": group[0].held.key,
            "amount": sum(one.held.amount for one in group),
            "count": len(group),
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


def _open(connection: sa.Connection, key: str, account_id: int, periods: Periods) -> None:
    """Give the key its row, if it has none."""
    connection.execute(
        insert_or_change(Spending, connection)
        .values(
            key=key,
            account_id=account_id,
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
