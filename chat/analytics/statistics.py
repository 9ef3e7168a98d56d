"""Statistics of use: what everybody together asked for on a day, without those who object (GDPR Art. 21)."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from chat.consent.ledger import select_objectors
from chat.consent.purposes import Interest
from chat.kernel.db import db
from chat.metering.models import Usage


def list_usage(since: datetime) -> Sequence[sa.Row[str, str, int, int]]:
    """Return (day, model, calls, tokens) since then, the newest day first. Guests are nobody who could object."""
    day = sa.func.date(Usage.at).label("day")
    left_out = select_objectors(Interest.STATISTICS)
    return db.session.execute(
        sa.select(day, Usage.model, sa.func.count(), sa.func.sum(Usage.input_tokens + Usage.output_tokens))
        .where(Usage.at >= since, sa.or_(Usage.account_id.is_(None), Usage.account_id.not_in(left_out)))
        .group_by(day, Usage.model)
        .order_by(day.desc(), Usage.model)
    ).all()
