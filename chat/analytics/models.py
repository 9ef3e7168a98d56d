"""How often each kind of page was opened on a day, by people who agreed to be counted. About nobody."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk


class PageCount(Base):
    __tablename__ = "page_count"
    __table_args__ = (sa.UniqueConstraint("day", "page"),)

    id: Mapped[intpk]
    # Midnight, UTC.
    day: Mapped[datetime] = mapped_column(index=True)
    # The name of a route, such as "conversations.new": never an address, which could hold an id.
    page: Mapped[str] = mapped_column(sa.String(80))
    count: Mapped[int]
