"""What is known of an erasure: enough to go on after a crash while it is under way, and a pseudonym once it is done."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk, public_id_column


class Scope(StrEnum):
    ACCOUNT = "account"
    CONTENT = "all but the account"


class State(StrEnum):
    """How far it is. Each one is reached in a transaction of its own, so that a crash resumes where it struck."""

    WAITING = "waiting"  # the person may still change their mind
    REMOVING = "removing rows"
    KEY = "destroying the key"
    READING = "reading back"
    DONE = "done"


class Erasure(Base):
    __tablename__ = "erasure"

    id: Mapped[intpk]
    # The person's way back to it without an account: it is their certificate's number.
    public_id: Mapped[public_id_column]
    scope: Mapped[str] = mapped_column(sa.String(24))
    state: Mapped[str] = mapped_column(sa.String(24), index=True)
    # SHA-256 of the account's public id: it says nothing to whoever does not know that already.
    subject: Mapped[str] = mapped_column(sa.String(64))
    asked_by: Mapped[str] = mapped_column(sa.String(24))
    asked_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)

    # Rows gone so far, and rows that stay without their owner, by the title of their table.
    removed: Mapped[dict[str, int]] = mapped_column(sa.JSON, default=dict)
    kept: Mapped[dict[str, int]] = mapped_column(sa.JSON, default=dict)
    # The certificate before it is signed.
    document: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    attempts: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(sa.String(200), default="")

    # Whose it is, only until it is done. Not a foreign key: it must outlive the account's row.
    account: Mapped[str | None] = mapped_column(sa.String(24), unique=True)
    number: Mapped[int | None]
    # Where the certificate is to be mailed, encrypted; only until it is done, and only where the site sends mail.
    address: Mapped[bytes | None]
