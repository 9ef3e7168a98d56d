"""Usage: one row for each call of a model, and what is left of them by day. No column could hold what was said."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk


class Usage(Base):
    __tablename__ = "usage"

    id: Mapped[intpk]
    # NULL for guests: nothing about them is written down, not even that two calls came from the same one.
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(sa.String(16))
    model: Mapped[str] = mapped_column(sa.String(64))
    provider: Mapped[str] = mapped_column(sa.String(32))
    status: Mapped[str] = mapped_column(sa.String(16))
    # Our own code of what went wrong, never the provider's words.
    code: Mapped[str | None] = mapped_column(sa.String(40))
    input_bytes: Mapped[int]
    output_bytes: Mapped[int]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    # The provider did not count, or the reader left before it could: tokens are our estimate.
    estimated: Mapped[bool]
    first_token_ms: Mapped[int | None]
    total_ms: Mapped[int]


class UsageTotal(Base):
    """What an account's calls of one model on one day came to, once the calls themselves are forgotten."""

    __tablename__ = "usage_total"

    id: Mapped[intpk]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    # The first moment of the day, in UTC.
    day: Mapped[datetime] = mapped_column(index=True)
    model: Mapped[str] = mapped_column(sa.String(64))
    provider: Mapped[str] = mapped_column(sa.String(32))
    calls: Mapped[int] = mapped_column(sa.BigInteger)
    input_tokens: Mapped[int] = mapped_column(sa.BigInteger)
    output_tokens: Mapped[int] = mapped_column(sa.BigInteger)

    # To a constraint on the column alone, all guests' rows would differ from each other.
    __table_args__ = (
        sa.Index("uq_usage_total_key", sa.text("coalesce(account_id, 0)"), "day", "model", "provider", unique=True),
    )
