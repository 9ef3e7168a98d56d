"""All that the operator sees of failed answers by themselves: how many are kept."""

from collections.abc import Iterator

import sqlalchemy as sa

from chat.diagnostics.models import FailedExchange
from chat.kernel.db import db
from chat.kernel.feature import Reading


def list_readings() -> Iterator[Reading]:
    """Yield the number of copies for each of our codes of failures."""
    query = sa.select(FailedExchange.code, sa.func.count()).group_by(FailedExchange.code).order_by(FailedExchange.code)
    for code, number in db.session.execute(query):
        yield Reading(
            name="candor_failed_exchanges_kept",
            help="Failed answers that their people had kept, by our code of the failure.",
            value=number,
            labels={"code": code},
        )
