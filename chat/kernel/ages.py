"""How old the oldest row of each table is, and whether it should be gone: what shows that deleting has not stopped.

It looks at the tables themselves, also at what no query sees any more. No person is in the numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from chat.kernel.db import db
from chat.kernel.lifetimes import list_limits
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Age:
    """Of one table: the age of its oldest row (None if it is empty or its rows have no birth), and how long a row that should
    be gone has been waiting for the purge (nothing, as it should be; None where rows have no age of their own)."""

    store: Store
    oldest: timedelta | None
    overdue: timedelta | None


def list_ages(stores: Iterable[Store], profile: Profile, now: datetime) -> list[Age]:
    """Return the age of every table that has one; what goes with another table's rows is as old as those."""
    return [_age(store, profile, now) for store in stores if store.goes_with is None and (store.born or store.expires)]


def _age(store: Store, profile: Profile, now: datetime) -> Age:
    table: Any = store.model.__table__
    limits = list_limits(store, profile)
    names = {limit.column for limit in limits} | ({store.born.key} if store.born is not None else set())
    # One smallest value a question: that is one look into an index.
    found = {name: db.session.scalar(sa.select(sa.func.min(table.c[name]))) for name in names}
    smallest: dict[str, datetime] = {name: moment for name, moment in found.items() if moment is not None}
    first = smallest.get(store.born.key) if store.born is not None else None
    late = [limit.moment(now) - smallest[limit.column] for limit in limits if limit.column in smallest]
    return Age(store, None if first is None else now - first, max(_NOTHING, *late) if late else _NOTHING if limits else None)
