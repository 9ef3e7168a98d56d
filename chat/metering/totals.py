"""Usage by day: what is left of single calls when their time is up. Numbers for a day, a model and a key, and no call.

A call is added in the same transaction that deletes its row, or instead of ever writing one: it is counted exactly once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from chat.kernel import clock
from chat.kernel.db import db, insert_or_change
from chat.kernel.profile import Profile
from chat.metering.models import UsageTotal

_KEY = ("account_id", "key", "day", "model", "provider")
_SUMS = ("calls", "estimated", "input_tokens", "output_tokens", "cost")


def fold(calls: Sequence[Mapping[str, Any]], profile: Profile) -> None:
    """Add calls that are being forgotten to the totals, in the running transaction of the session."""
    add_up(db.session.connection(), calls, profile)


def add_up(connection: sa.Connection, calls: Sequence[Mapping[str, Any]], profile: Profile) -> None:
    """Add these calls, given as rows of the usage table, to the totals of their days, where those are still kept."""
    oldest = clock.now() - timedelta(days=profile.retention.usage_totals)
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for call in calls:
        day = _day(call["at"])
        if day > oldest:
            key = (call["account_id"], call["key"], day, call["model"], call["provider"])
            counted = {name: call[name] for name in ("input_tokens", "output_tokens", "cost")}
            sums.setdefault(key, Counter()).update(calls=1, estimated=int(call["estimated"]), **counted)
    for key, added in sums.items():
        _add(connection, dict(zip(_KEY, key, strict=True)), {name: added[name] for name in _SUMS})


def _add(connection: sa.Connection, key: dict[str, Any], sums: dict[str, int]) -> None:
    statement = insert_or_change(UsageTotal, connection).values(**key, **sums)
    grown = {name: getattr(UsageTotal, name) + value for name, value in sums.items()}
    # The index' own words: a parameter in their place would be another expression to PostgreSQL.
    target: list[Any] = [sa.text("coalesce(account_id, 0)"), sa.text("coalesce(key, '')"), "day", "model", "provider"]
    connection.execute(statement.on_conflict_do_update(index_elements=target, set_=grown))


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
