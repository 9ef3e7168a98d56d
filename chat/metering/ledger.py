"""Writing usage down, in counts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from chat.kernel.db import db
from chat.kernel.profile import Profile
from chat.metering.models import Usage
from chat.metering.totals import add_up

# English prose has about four bytes to a token; used only where a provider does not say, and marked as an estimate.
_BYTES_PER_TOKEN = 4
_INSERT = sa.insert(Usage.__table__)  # type: ignore[arg-type]  # a declared class's table is a Table


class Source(StrEnum):
    CHAT = "chat"
    TITLE = "title"


class Status(StrEnum):
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What one call took, in bytes, tokens and milliseconds."""

    status: Status
    code: str | None
    input_bytes: int
    output_bytes: int
    input_estimate: int
    input_tokens: int | None
    output_tokens: int | None
    first_token_ms: int | None
    total_ms: int


def record(
    *, account_id: int | None, source: Source, model: str, provider: str, measure: Measure, profile: Profile, now: datetime
) -> None:
    """Add the usage row of one call; tokens the provider did not count are estimated and marked so.

    Where the site keeps no rows of calls none is written, and the day's total alone grows.
    """
    counted = measure.input_tokens is not None and measure.output_tokens is not None
    # Into the table and not by an object: the unit of work is a good part of what a short answer costs.
    row = {
        "account_id": account_id,
        "at": now,
        "source": source,
        "model": model,
        "provider": provider,
        "status": measure.status,
        "code": measure.code,
        "input_bytes": measure.input_bytes,
        "output_bytes": measure.output_bytes,
        "input_tokens": measure.input_tokens if measure.input_tokens is not None else measure.input_estimate,
        "output_tokens": measure.output_tokens if measure.output_tokens is not None else estimate(measure.output_bytes),
        "estimated": not counted,
        "first_token_ms": measure.first_token_ms,
        "total_ms": measure.total_ms,
    }
    if profile.retention.request_logs:
        db.session.connection().execute(_INSERT, row)
    else:
        add_up([row], profile)


def estimate(size: int) -> int:
    """Return about how many tokens `size` bytes of text are."""
    return -(-size // _BYTES_PER_TOKEN)
