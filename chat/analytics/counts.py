"""Counting pages: in memory first, then added to the day's rows, so that a page view waits for no write."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chat.analytics.models import PageCount
from chat.kernel.db import db

# What a process that dies may lose.
_PATIENCE = timedelta(seconds=60)
_MOST = 50


class Waiting:
    """What one process has counted and not yet written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[datetime, str]] = Counter()
        self._since: datetime | None = None

    def add(self, page: str, now: datetime) -> bool:
        """Count one opening of `page`. Return whether it is time to write."""
        with self._lock:
            self._counts[_day(now), page] += 1
            self._since = self._since or now
            return now - self._since >= _PATIENCE or self._counts.total() >= _MOST

    def take(self) -> Mapping[tuple[datetime, str], int]:
        """Return what waits, and start anew."""
        with self._lock:
            taken, self._counts, self._since = self._counts, Counter(), None
            return taken


def write(counts: Mapping[tuple[datetime, str], int]) -> None:
    """Add `counts` to the rows of their days."""
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    # Always in one order: two processes that write the same rows then wait for each other and never for ever.
    for (day, page), count in sorted(counts.items()):
        statement = insert(PageCount).values(day=day, page=page, count=count)
        grown = {"count": PageCount.count + statement.excluded.count}
        db.session.execute(statement.on_conflict_do_update(index_elements=["day", "page"], set_=grown))


def list_counts(since: datetime) -> Sequence[sa.Row[datetime, str, int]]:
    """Return (day, page, count) since then, the newest day first, its most opened page first."""
    return db.session.execute(
        sa.select(PageCount.day, PageCount.page, PageCount.count)
        .where(PageCount.day >= _day(since))
        .order_by(PageCount.day.desc(), PageCount.count.desc(), PageCount.page)
    ).all()


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
