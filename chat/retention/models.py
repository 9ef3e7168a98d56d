"""When each table was last purged to its end. About the site, never about a person."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk


class PurgePass(Base):
    """The newest pass over one table that left no row whose time was up."""

    __tablename__ = "purge_pass"

    id: Mapped[intpk]
    # A table's name.
    store: Mapped[str] = mapped_column(sa.String(64), unique=True)
    finished_at: Mapped[datetime]
    removed: Mapped[int]
