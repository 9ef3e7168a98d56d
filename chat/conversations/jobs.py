"""Conversations whose time is up, deleted in small batches so that nobody who writes waits long."""

from chat.conversations import history
from chat.kernel import clock
from chat.kernel.db import db, truncate_journal


def delete_expired() -> int:
    """Delete every conversation whose time is up and return how many there were."""
    total = 0
    while gone := history.delete_expired(clock.now()):
        db.session.commit()
        total += gone
    if total:
        truncate_journal()
    return total
