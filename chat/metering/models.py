"""Usage: one row a call of a model, what is left of them by day, and what was spent. No column could hold what was said."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk, public_id_column


class Usage(Base):
    __tablename__ = "usage"

    id: Mapped[intpk]
    # NULL for guests: nothing about them is written down, not even that two calls came from the same one.
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(sa.String(16))
    # The API key's public id; empty for the chat.
    key: Mapped[str | None] = mapped_column(sa.String(24), index=True)
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
    # In millionths of the site's currency, as the prices of that moment made it.
    cost: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    first_token_ms: Mapped[int | None]
    total_ms: Mapped[int]
    # Of a request of the API: the id of its data receipt, and what was said of its model then (a digest of `ModelTerms`).
    receipt: Mapped[str | None] = mapped_column(sa.String(24), index=True, unique=True)
    terms: Mapped[str | None] = mapped_column(sa.String(32))


class ModelTerms(Base):
    """What this site said of a model when it was asked: who computes where, and on which terms. A receipt says it again later.

    A profile changes, and what was said must not change with it. One row for each thing that was ever said, never changed.
    """

    __tablename__ = "model_terms"

    id: Mapped[intpk]
    digest: Mapped[str] = mapped_column(sa.String(32), unique=True)
    said: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


class UsageTotal(Base):
    """What an account's calls of one model with one key on one day came to, once the calls themselves are forgotten."""

    __tablename__ = "usage_total"

    id: Mapped[intpk]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    # The first moment of the day, in UTC.
    day: Mapped[datetime] = mapped_column(index=True)
    # The API key's public id; empty for the chat.
    key: Mapped[str | None] = mapped_column(sa.String(24))
    model: Mapped[str] = mapped_column(sa.String(64))
    provider: Mapped[str] = mapped_column(sa.String(32))
    calls: Mapped[int] = mapped_column(sa.BigInteger)
    # How many of the calls have tokens that we estimated.
    estimated: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    input_tokens: Mapped[int] = mapped_column(sa.BigInteger)
    output_tokens: Mapped[int] = mapped_column(sa.BigInteger)
    cost: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))

    # To a constraint on the columns alone, all rows of guests, and all without a key, would differ from each other.
    __table_args__ = (
        sa.Index(
            "uq_usage_total_key",
            sa.text("coalesce(account_id, 0)"),
            sa.text("coalesce(key, '')"),
            "day",
            "model",
            "provider",
            unique=True,
        ),
    )


class Spending(Base):
    """What one API key has spent in the running day, week and month, and what its running requests may still cost.

    One row, so that one conditional update decides for all three periods at once, however many requests come together.
    """

    __tablename__ = "spending"

    id: Mapped[intpk]
    key: Mapped[str] = mapped_column(sa.String(24), unique=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    # A period that is over counts as nothing spent, whenever the row is next written.
    day: Mapped[date]
    day_spent: Mapped[int] = mapped_column(sa.BigInteger)
    week: Mapped[date]
    week_spent: Mapped[int] = mapped_column(sa.BigInteger)
    month: Mapped[date]
    month_spent: Mapped[int] = mapped_column(sa.BigInteger)
    reserved: Mapped[int] = mapped_column(sa.BigInteger)
    running: Mapped[int]


class Reservation(Base):
    """A request that is under way, and the most it can cost. It is gone once the request is settled: that happens once."""

    __tablename__ = "reservation"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    key: Mapped[str] = mapped_column(sa.String(24))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    model: Mapped[str] = mapped_column(sa.String(64))
    # When its process last said that it is under way (pulse.py); whoever is silent for long has died.
    alive_at: Mapped[datetime] = mapped_column(index=True)
