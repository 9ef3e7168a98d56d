"""Settling what nobody settled: API requests whose process died."""

from datetime import timedelta

from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.feature import Job
from chat.kernel.site import current_site
from chat.metering.budgets import Settle, list_abandoned, settle_all
from chat.metering.ledger import Measure, Source, Status, usage_row, write_usage
from chat.metering.pulse import DEAD_AFTER
from chat.metering.terms import terms_of
from chat.providers.current import current_catalogue


def settle_abandoned() -> int:
    """Settle reservations that no process says to be alive; return how many there were.

    What such a request did cost is not known, so it costs the most it could have: a budget is never overspent.
    """
    now, profile, catalogue = clock.now(), current_site().profile, current_catalogue()
    connection = db.session.connection()
    abandoned = list_abandoned(connection, now - DEAD_AFTER)
    rows = []
    settled = settle_all(connection, [Settle(held, held.amount, now) for held, _model in abandoned])
    for (held, model), did in zip(abandoned, settled, strict=True):
        if not did:
            continue
        known = catalogue.find_model(model)
        row = usage_row(
            account_id=held.account_id,
            source=Source.API,
            model=model,
            provider=known.provider_id if known else "unknown",
            measure=_ABANDONED,
            now=now,
            key=held.key,
            cost=held.amount,
            receipt=held.public_id,
            terms=terms_of(known)[0] if known else None,
        )
        rows.append(row)
    if rows:
        write_usage(connection, rows, profile)
    db.session.commit()
    return len(rows)


_ABANDONED = Measure(
    status=Status.FAILED,
    code="abandoned",
    input_bytes=0,
    output_bytes=0,
    input_estimate=0,
    input_tokens=None,
    output_tokens=None,
    first_token_ms=None,
    total_ms=0,
)
SETTLE = Job(name="settle-abandoned", run=settle_abandoned, every=timedelta(minutes=1))
