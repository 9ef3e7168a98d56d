"""What a monitor sees of deleting: how old things are, what should be gone and is not, and when the purge came by."""

from collections.abc import Iterator

import sqlalchemy as sa

from chat.kernel import clock
from chat.kernel.ages import list_ages
from chat.kernel.db import db
from chat.kernel.feature import Reading
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site
from chat.retention.models import PurgePass


def list_readings() -> Iterator[Reading]:
    """Yield the gauges of every table, by its name."""
    for age in list_ages(current_stores(), current_site().profile, clock.now()):
        table = {"table": age.store.model.__tablename__}
        if age.oldest is not None:
            yield Reading(
                name="candor_oldest_seconds",
                help="Age of the oldest row of a table.",
                value=age.oldest.total_seconds(),
                labels=table,
            )
        if age.overdue is not None:
            yield Reading(
                name="candor_overdue_seconds",
                help="How long a row whose time is up has been waiting for the purge; 0 when none is.",
                value=age.overdue.total_seconds(),
                labels=table,
            )
    for note in db.session.execute(sa.select(PurgePass.store, PurgePass.finished_at)):
        yield Reading(
            name="candor_purged_timestamp_seconds",
            help="When a table was last purged to its end.",
            value=note.finished_at.timestamp(),
            labels={"table": note.store},
        )
