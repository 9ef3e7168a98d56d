"""Usage: one row for each call of a model. It counts and measures; no column of it could hold what was said."""

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
