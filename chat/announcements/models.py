"""What the operator says to everybody on every page."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk, public_id_column


class SiteNotice(Base):
    """One notice, such as that the site is to be sold. Kept after it is withdrawn: it shows that people were told."""

    __tablename__ = "site_notice"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    title: Mapped[str] = mapped_column(sa.String(120))
    text: Mapped[str] = mapped_column(sa.String(2000))
    published_at: Mapped[datetime]
    # Not shown from then on; empty: until it is withdrawn.
    until: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
