"""Exchanges that failed. They exist only under the consent `diagnostics`, and for a short time."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk, public_id_column
from chat.kernel.sealed import Sealed, SealedContent


class FailedExchange(Base):
    __tablename__ = "failed_exchange"
    __table_args__ = (sa.Index("ix_failed_exchange_listing", "account_id", "id"),)

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"))
    failed_at: Mapped[datetime]
    # From this moment on it exists for no query, whether or not the purge has come by.
    expires_at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(sa.String(16))
    model: Mapped[str] = mapped_column(sa.String(64))
    provider: Mapped[str] = mapped_column(sa.String(32))
    # Our own code of what went wrong, never the provider's words.
    code: Mapped[str] = mapped_column(sa.String(40))
    # What was sent and what came, as JSON.
    exchange: Mapped[Sealed] = mapped_column(SealedContent)
