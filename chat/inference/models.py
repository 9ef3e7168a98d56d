"""What somebody demands of whoever answers them, wherever they ask."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk


class AccountDemands(Base):
    """One person's demands. Without a row, or with NULL, nothing is demanded beyond what the site demands for everybody."""

    __tablename__ = "account_demands"

    id: Mapped[intpk]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), unique=True)
    zero_retention: Mapped[bool]
    # The regions that may be asked. A list of those allowed: a region that the site adds later is not asked unasked-for.
    regions: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))
