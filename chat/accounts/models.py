"""People who signed up: what is needed to sign in, and nothing else."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk, public_id_column


class Account(Base):
    __tablename__ = "account"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    email: Mapped[str] = mapped_column(sa.String(254))
    display_name: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime]
