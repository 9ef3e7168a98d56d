"""What an account used: by day, key and model from calls and totals together, and single calls while they are kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from chat.kernel.db import db
from chat.metering.models import Usage, UsageTotal


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one model came to on one day with one key; no key is the chat."""

    day: date
    key: str | None
    model: str
    calls: int
    estimated: int
    input_tokens: int
    output_tokens: int
    cost: int


def list_lines(account_id: int, since: datetime) -> list[Line]:
    """Return the account's usage since then, the newest day first.

    A call is either a row of its own still or in its day's total: the two add up, and nothing counts twice.
    """
    sums: dict[tuple[date, str | None, str], list[int]] = {}
    for day, key, model, *counts in (*_calls(account_id, since), *_totals(account_id, since)):
        line = sums.setdefault((_date(day), key, model), [0] * len(counts))
        for place, count in enumerate(counts):
            line[place] += int(count)
    names = ("calls", "estimated", "input_tokens", "output_tokens", "cost")
    lines = [
        Line(day=day, key=key, model=model, **dict(zip(names, counts, strict=True)))
        for (day, key, model), counts in sums.items()
    ]
    return sorted(lines, key=lambda one: (-one.day.toordinal(), one.key or "", one.model))


def list_calls(account_id: int, page: int, size: int) -> tuple[Sequence[Usage], bool]:
    """Return a page of the account's single calls, the newest first, and whether there are more behind it."""
    query = (
        sa.select(Usage)
        .where(Usage.account_id == account_id)
        .order_by(Usage.at.desc(), Usage.id.desc())
        .offset((page - 1) * size)
        .limit(size + 1)
    )
    found = db.session.scalars(query).all()
    return found[:size], len(found) > size


def _calls(account_id: int, since: datetime) -> Iterable[Any]:
    day = sa.func.date(Usage.at)
    estimated = sa.func.sum(sa.case((Usage.estimated.is_(True), 1), else_=0))
    tokens = sa.func.sum(Usage.input_tokens), sa.func.sum(Usage.output_tokens)
    return db.session.execute(
        sa.select(day, Usage.key, Usage.model, sa.func.count(), estimated, *tokens, sa.func.sum(Usage.cost))
        .where(Usage.account_id == account_id, Usage.at >= since)
        .group_by(day, Usage.key, Usage.model)
    )


def _totals(account_id: int, since: datetime) -> Iterable[Any]:
    day = sa.func.date(UsageTotal.day)
    names = ("calls", "estimated", "input_tokens", "output_tokens", "cost")
    return db.session.execute(
        sa.select(day, UsageTotal.key, UsageTotal.model, *(sa.func.sum(getattr(UsageTotal, name)) for name in names))
        .where(UsageTotal.account_id == account_id, UsageTotal.day >= since)
        .group_by(day, UsageTotal.key, UsageTotal.model)
    )


def _date(value: date | str) -> date:
    # SQLite has no dates of its own.
    return value if isinstance(value, date) else date.fromisoformat(value)
