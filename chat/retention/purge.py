"""Deleting what is past its time, from the declarations alone, a few rows at a time.

Each step is a transaction of its own that the caller commits: so short that nobody who writes has to wait for it, and a
crash between two of them loses nothing. Statements name tables, not models: a purge must see what queries do not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from chat.kernel import clock
from chat.kernel.db import db, insert_or_change
from chat.kernel.lifetimes import is_over, link_to_parent
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile
from chat.retention.models import PurgePass

# What a step may take. SQLite lets one write at a time, and whoever waits looks again after up to 25 ms at first.
_STEP_SECONDS = 0.012
_FIRST_ROWS, _MOST_ROWS = 16, 1000


class Pace:
    """How many rows go in one step: as many as take about a hundredth of a second, whatever they weigh."""

    def __init__(self) -> None:
        self.rows = _FIRST_ROWS

    def took(self, seconds: float) -> None:
        """Learn from the last step."""
        if seconds > _STEP_SECONDS * 1.5:
            self.rows = max(1, self.rows // 2)
        elif seconds < _STEP_SECONDS / 2:
            self.rows = min(_MOST_ROWS, self.rows + max(1, self.rows // 4))


@dataclass(frozen=True, slots=True)
class Step:
    """Rows that were deleted and wait for the commit."""

    count: int
    began: float


def ageing(stores: Sequence[Store]) -> list[Store]:
    """Return the stores whose rows have an age of their own."""
    return [store for store in stores if store.expires is not None or (store.born is not None and store.keep_for is not None)]


def ageless(stores: Sequence[Store]) -> list[Store]:
    """Return the stores that no purge ever touches: their `why` says how long their rows live."""
    aged = ageing(stores)
    return [store for store in stores if store not in aged and store.goes_with is None]


def steps(store: Store, stores: Sequence[Store], profile: Profile, pace: Pace) -> Iterator[Step]:
    """Delete the store's rows whose time is up, with all that goes with them. The caller commits, and tells the pace."""
    table = _table(store)
    while True:
        over = is_over(store, profile, clock.now())
        assert over is not None
        doomed = list(db.session.scalars(sa.select(table.c.id).where(over).limit(pace.rows)))
        if not doomed:
            return
        yield from _remove(store, doomed, stores, profile, pace)


def note_pass(store: Store, removed: int, now: datetime) -> None:
    """Write down that the store holds nothing any more whose time was up."""
    noted = {"finished_at": now, "removed": removed}
    statement = insert_or_change(PurgePass).values(store=_table(store).name, **noted)
    db.session.execute(statement.on_conflict_do_update(index_elements=["store"], set_=noted))


def _remove(store: Store, ids: list[int], stores: Sequence[Store], profile: Profile, pace: Pace) -> Iterator[Step]:
    """Delete these rows, and before them what belongs to them: a conversation of ten thousand messages is no single step."""
    for child in stores:
        if child.goes_with is store.model:
            table, link = _table(child), link_to_parent(child)
            while inner := list(db.session.scalars(sa.select(table.c.id).where(link.in_(ids)).limit(pace.rows))):
                yield from _remove(child, inner, stores, profile, pace)
    began = clock.monotonic()
    yield Step(_delete(store, ids, profile), began)


def _delete(store: Store, ids: list[int], profile: Profile) -> int:
    table = _table(store)
    statement = sa.delete(table).where(table.c.id.in_(ids))
    if store.folds is None:
        result = db.session.execute(statement)
        assert isinstance(result, sa.CursorResult)
        return result.rowcount
    # Each row is returned once, to whoever deleted it: two purges at the same time do not count it twice.
    gone = db.session.execute(statement.returning(*table.c)).mappings().all()
    if gone:
        store.folds([dict(row) for row in gone], profile)
    return len(gone)


def _table(store: Store) -> Any:
    return store.model.__table__
