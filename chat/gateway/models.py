"""API keys: only a keyed hash of each is kept, so that nobody who reads the table can use one."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk, public_id_column


class ApiKey(Base):
    __tablename__ = "api_key"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    # The first characters after "ck-" find the row, the last four help a person to recognise it; neither opens anything.
    prefix: Mapped[str] = mapped_column(sa.String(8), index=True)
    last_four: Mapped[str] = mapped_column(sa.String(4))
    # HMAC-SHA256 of the whole key under a key derived from the site's secret.
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    # A day, not a moment: enough to find a forgotten key by.
    last_used_on: Mapped[date | None]

    # What it may do; NULL is everything.
    endpoints: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))
    models: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))
    networks: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))

    # How much; NULL is no limit. Budgets in millionths of a dollar.
    budget_day: Mapped[int | None] = mapped_column(sa.BigInteger)
    budget_week: Mapped[int | None] = mapped_column(sa.BigInteger)
    budget_month: Mapped[int | None] = mapped_column(sa.BigInteger)
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None]
    parallel: Mapped[int | None]

    # What the person demands of whoever is asked with this key: no training, regions, days of retention at most.
    no_training: Mapped[bool] = mapped_column(default=False)
    zero_retention: Mapped[bool] = mapped_column(default=False)
    regions: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))
