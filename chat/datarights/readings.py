"""What monitors are told of erasures: how many are not done, and since when the oldest of them should have been."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.datarights.models_erase import Erasure, State
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.feature import Reading


def list_readings() -> list[Reading]:
    """Return the numbers for `/metrics`; none is about anybody."""
    under_way = Erasure.state.not_in((State.WAITING, State.DONE))
    count = sa.select(sa.func.count()).select_from(Erasure).where(under_way)
    return [
        Reading(
            name="candor_erasures_unfinished",
            help="Erasures that have begun and are not read back yet.",
            value=db.session.scalar(count) or 0,
        ),
        Reading(
            name="candor_erasures_failing",
            help="Of these, the ones that failed at least once.",
            value=db.session.scalar(count.where(Erasure.attempts > 0)) or 0,
        ),
        Reading(
            name="candor_erasures_late_seconds",
            help="For how long the oldest account or content that should be erased is still there.",
            value=_late(clock.now()).total_seconds(),
        ),
    ]


def _late(now: datetime) -> timedelta:
    under_way = Erasure.state.not_in((State.WAITING, State.DONE))
    began = db.session.scalar(sa.select(sa.func.min(Erasure.began_at)).where(under_way))
    over = db.session.scalar(sa.select(sa.func.min(Account.closing_at)).where(Account.closing_at <= now))
    return max((now - one for one in (began, over) if one is not None), default=timedelta())
