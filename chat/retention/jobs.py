"""The purge as a job: step by step, with a pause after each, so that others write in between."""

import time

from chat.kernel import clock
from chat.kernel.db import db, fold_journal, truncate_journal
from chat.kernel.kicks import kick
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site
from chat.retention.purge import Pace, ageing, note_pass, steps

PURGE = "retention.purge"
# Longer than whoever waits for SQLite's lock sleeps between two looks at first, so that one of them falls into each pause.
_PAUSE_SECONDS = 0.030
# Jobs run one after the other: a purge that has more to do goes on once the others had their turn.
_TURN_SECONDS = 20.0


def purge() -> int:
    """Delete what is past its time, for as long as a turn may take. Return how many rows went."""
    removed, finished = purge_for(_TURN_SECONDS)
    if not finished:
        kick(PURGE)
    return removed


def purge_for(seconds: float | None) -> tuple[int, bool]:
    """Delete what is past its time for at most so long, or to its end. Return how many rows went, and whether that was all."""
    ends = None if seconds is None else clock.monotonic() + seconds
    stores, profile, pace, removed = current_stores(), current_site().profile, Pace(), 0
    for store in ageing(stores):
        of_store = 0
        for step in steps(store, stores, profile, pace):
            db.session.commit()
            spent = clock.monotonic() - step.began
            pace.took(spent)
            of_store += step.count
            if ends is not None and clock.monotonic() > ends:
                return removed + of_store, False
            paused = clock.monotonic()
            fold_journal()
            # Where the disk is slow, others get the more of it.
            time.sleep(max(0.0, max(_PAUSE_SECONDS, 2 * spent) - (clock.monotonic() - paused)))
        note_pass(store, of_store, clock.now())
        db.session.commit()
        removed += of_store
    truncate_journal()
    return removed, True
