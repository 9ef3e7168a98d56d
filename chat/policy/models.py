"""What the policy said, version by version; and what the checks of its promises found, each time they ran."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk


class VerificationReport(Base):
    """One run of the checks. It is about the site, never about a person: the people it speaks of never lived."""

    __tablename__ = "verification_report"

    id: Mapped[intpk]
    checked_at: Mapped[datetime] = mapped_column(index=True)
    # The policy whose promises these were.
    policy_hash: Mapped[str] = mapped_column(sa.String(64))
    # A list of {"id", "state", "evidence"}; of all promises, or of those that were asked for.
    promises: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)


class PolicyVersion(Base):
    """One published version. Never changed; the older ones stay readable."""

    __tablename__ = "policy_version"

    id: Mapped[intpk]
    number: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(sa.String(64))
    document: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    is_material: Mapped[bool]
    # What changes, in the operator's words.
    summary: Mapped[str] = mapped_column(sa.String(2000))
    # The purposes whose consents were given under terms that this one changes.
    asks_again: Mapped[list[str]] = mapped_column(sa.JSON)
    published_at: Mapped[datetime]
    in_force_at: Mapped[datetime]
