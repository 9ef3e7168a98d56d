"""A person's usage as a table for a spreadsheet, in their copy of their data."""

import csv
from collections.abc import Iterator
from io import StringIO

import sqlalchemy as sa

from chat.kernel.db import read_briefly
from chat.kernel.export import ExportedFile, Subject
from chat.metering.models import Usage

_BATCH = 500
_COLUMNS = (
    Usage.at, Usage.source, Usage.key, Usage.model, Usage.provider, Usage.status, Usage.code, Usage.input_tokens,
    Usage.output_tokens, Usage.estimated, Usage.cost, Usage.input_bytes, Usage.output_bytes, Usage.first_token_ms,
    Usage.total_ms,
)  # fmt: skip


def usage_file(subject: Subject) -> Iterator[ExportedFile]:
    """Yield `usage.csv`: each call of a model, oldest first."""
    yield ExportedFile("usage.csv", "Each call of a model, as a table for a spreadsheet.", _lines(subject))


def _lines(subject: Subject) -> Iterator[bytes]:
    yield _csv([[column.key for column in _COLUMNS]])
    after = 0
    while True:
        query = (
            sa.select(Usage.id, *_COLUMNS)
            .where(Usage.account_id == subject.owner_id, Usage.id > after)
            .order_by(Usage.id)
            .limit(_BATCH)
        )
        rows = read_briefly(query)
        if not rows:
            return
        after = rows[-1][0]
        yield _csv([[row[1].isoformat(), *row[2:]] for row in rows])


def _csv(rows: list[list[object]]) -> bytes:
    lines = StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue().encode()
