"""Statistics of use: what everybody together asked for on a day, without those who object (GDPR Art. 21)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from chat.consent.ledger import select_objectors
from chat.consent.purposes import Interest
from chat.kernel.db import db
from chat.metering.models import Usage, UsageTotal

Line = tuple[date, str, int, int]


def list_usage(since: datetime) -> list[Line]:
    """Return (day, model, calls, tokens) since then, the newest day first. Guests are nobody who could object.

    A call is either a row of its own still or in its day's total: the two add up, and nothing counts twice.
    """
    sums: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for day, model, calls, tokens in (*_calls(since), *_totals(since)):
        line = sums[day if isinstance(day, date) else date.fromisoformat(day), model]
        line[0] += calls
        line[1] += tokens
    lines = [(day, model, calls, tokens) for (day, model), (calls, tokens) in sums.items()]
    return sorted(lines, key=lambda one: (-one[0].toordinal(), one[1]))


def _calls(since: datetime) -> Iterable[Any]:
    day = sa.func.date(Usage.at)
    return db.session.execute(
        sa.select(day, Usage.model, sa.func.count(), sa.func.sum(Usage.input_tokens + Usage.output_tokens))
        .where(Usage.at >= since, _not_left_out(Usage.account_id))
        .group_by(day, Usage.model)
    )


def _totals(since: datetime) -> Iterable[Any]:
    day = sa.func.date(UsageTotal.day)
    tokens = sa.func.sum(UsageTotal.input_tokens + UsageTotal.output_tokens)
    return db.session.execute(
        sa.select(day, UsageTotal.model, sa.func.sum(UsageTotal.calls), tokens)
        .where(UsageTotal.day >= since, _not_left_out(UsageTotal.account_id))
        .group_by(day, UsageTotal.model)
    )


def _not_left_out(account_id: Any) -> sa.ColumnElement[bool]:
    return sa.or_(account_id.is_(None), account_id.not_in(select_objectors(Interest.STATISTICS)))
