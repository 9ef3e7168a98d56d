"""Writing usage down, in counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from chat.kernel.profile import Profile
from chat.metering.models import Usage
from chat.metering.totals import add_up

# English prose has about four bytes to a token; used only where a provider does not say, and marked as an estimate.
_BYTES_PER_TOKEN = 4
_INSERT_USAGE = sa.insert(Usage.__table__)  # type: ignore[arg-type]  # a declared class's table is a Table


class Source(StrEnum):
    CHAT = "chat"
    TITLE = "title"
    API = "api"


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
    output_estimate: int | None = None  # where something better than the bytes is known

    @property
    def counted_input(self) -> int:
        """Tokens in: the provider's count, or the estimate."""
        return self.input_estimate if self.input_tokens is None else self.input_tokens

    @property
    def counted_output(self) -> int:
        """Tokens out: the provider's count, or the estimate."""
        if self.output_tokens is not None:
            return self.output_tokens
        return estimate(self.output_bytes) if self.output_estimate is None else self.output_estimate

    @property
    def is_estimated(self) -> bool:
        return self.input_tokens is None or self.output_tokens is None


def write_usage(connection: sa.Connection, rows: Sequence[dict[str, object]], profile: Profile) -> None:
    """Add the rows of calls, or where the site keeps no rows of calls, add the calls to their days' totals.

    Tokens that the provider did not count are estimated in them, and marked so.
    """
    if profile.retention.request_logs:
        # Into the table and not by an object: the unit of work is a good part of what a short answer costs.
        connection.execute(_INSERT_USAGE, rows)
    else:
        add_up(connection, rows, profile)


def usage_row(
    *,
    account_id: int | None,
    source: Source,
    model: str,
    provider: str,
    measure: Measure,
    now: datetime,
    key: str | None = None,
    cost: int = 0,
    receipt: str | None = None,
    terms: str | None = None,
) -> dict[str, object]:
    """Return the usage row of one call, for `write_usage`."""
    return {
        "account_id": account_id,
        "at": now,
        "source": source,
        "key": key,
        "model": model,
        "provider": provider,
        "status": measure.status,
        "code": measure.code,
        "input_bytes": measure.input_bytes,
        "output_bytes": measure.output_bytes,
        "input_tokens": measure.counted_input,
        "output_tokens": measure.counted_output,
        "estimated": measure.is_estimated,
        "cost": cost,
        "first_token_ms": measure.first_token_ms,
        "total_ms": measure.total_ms,
        "receipt": receipt,
        "terms": terms,
    }


def estimate(size: int) -> int:
    """Return about how many tokens `size` bytes of text are."""
    return -(-size // _BYTES_PER_TOKEN)
