"""Usage rows: counts, never words."""

import sqlalchemy as sa
from flask import Flask

from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import current_site
from chat.metering.ledger import Measure, Source, Status, estimate, usage_row, write_usage
from chat.metering.models import Usage


def test_no_column_could_hold_what_was_said() -> None:
    texts = {column.name: column.type for column in sa.inspect(Usage).columns if isinstance(column.type, sa.String)}

    assert {name for name, kind in texts.items() if kind.length is None or kind.length > 64} == set()
    assert not [column.name for column in sa.inspect(Usage).columns if isinstance(column.type, sa.LargeBinary | sa.JSON)]


def test_the_providers_counts_are_kept_as_they_are(app: Flask) -> None:
    usage = _recorded(input_tokens=7, output_tokens=0)

    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (7, 0, False)


def test_what_was_not_counted_is_estimated_and_marked(app: Flask) -> None:
    usage = _recorded(input_tokens=None, output_tokens=None)

    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (25, 3, True)


def test_half_a_count_is_still_an_estimate(app: Flask) -> None:
    usage = _recorded(input_tokens=7, output_tokens=None)

    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (7, 3, True)


def test_an_estimate_rounds_up() -> None:
    assert [estimate(size) for size in (0, 1, 4, 5)] == [0, 1, 1, 2]


def _recorded(*, input_tokens: int | None, output_tokens: int | None) -> Usage:
    measure = Measure(
        status=Status.DONE,
        code=None,
        input_bytes=100,
        output_bytes=9,
        input_estimate=25,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        first_token_ms=None,
        total_ms=1,
    )
    row = usage_row(account_id=None, source=Source.CHAT, model="m", provider="p", measure=measure, now=clock.now())
    write_usage(db.session.connection(), [row], current_site().profile)
    db.session.commit()
    return db.session.query(Usage).one()
