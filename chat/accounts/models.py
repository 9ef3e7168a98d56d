"""People who signed up: what is needed to sign in, and nothing else."""

from datetime import date, datetime

import sqlalchemy as sa
from flask_security import RoleMixin, UserMixin
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk, public_id_column


class Role(RoleMixin):
    """What Flask-Security calls a role. There is one and no table: an account is the operator's or it is not."""

    def __init__(self, name: str) -> None:
        self.name = name


OPERATOR = Role("operator")


class Account(UserMixin, Base):
    """One person."""

    __tablename__ = "account"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    # As the person wrote it; unique whatever its case, by the index below.
    email: Mapped[str] = mapped_column(sa.String(254))
    display_name: Mapped[str] = mapped_column(sa.String(80))
    password: Mapped[str | None] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    is_operator: Mapped[bool] = mapped_column(default=False)
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    # What sessions and mailed links point to. A new value ends all of them at once.
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # Since when the person wants it kept and used for nothing (GDPR Art. 18).
    frozen_at: Mapped[datetime | None]
    # The person asked for the account to be erased: from this moment on it may be.
    closing_at: Mapped[datetime | None] = mapped_column(index=True)

    # Flask-Security looks people up by lower(email): a constraint on the column alone would let Ana@ and ana@ be two.
    __table_args__ = (sa.Index("uq_account_email_lower", sa.func.lower(email), unique=True),)

    @property
    def roles(self) -> list[RoleMixin]:  # type: ignore[override]  # an attribute that can be set, in Flask-Security
        return [OPERATOR] if self.is_operator else []


class ProfileDetail(Base):
    """Something a person chose to tell about themselves, where the profile has room for it. No row: nothing told."""

    __tablename__ = "profile_detail"
    __table_args__ = (sa.UniqueConstraint("account_id", "field"),)

    id: Mapped[intpk]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"))
    # A kernel.profile.ProfileField.
    field: Mapped[str] = mapped_column(sa.String(40))
    value: Mapped[str] = mapped_column(sa.String(200))
    written_at: Mapped[datetime]


class Device(Base):
    """One sign-in that still holds. Its public id is in that browser's signed cookie; without the row the cookie is dead."""

    __tablename__ = "device"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    address: Mapped[str | None] = mapped_column(sa.String(45))
    # Two letters, where the profile collects it and the operator's proxy tells it.
    country: Mapped[str | None] = mapped_column(sa.String(2))
    signed_in_at: Mapped[datetime]
    # A day, not a moment: enough to recognise a device by, too little to follow a person with.
    last_used_on: Mapped[date]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Mailing(Base):
    """A mail of the operator to many people, and how far it has got. Who is dealt with next follows from `reached` alone."""

    __tablename__ = "mailing"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    # A Kind of mailings.py: who gets it, and what is added to it.
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text)
    written_at: Mapped[datetime]
    # The row numbers of the last account dealt with, and of the last one that there was when it was written.
    reached: Mapped[int] = mapped_column(default=0)
    until: Mapped[int]
    count: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]


class OutgoingMail(Base):
    """A mail that waits to be sent, sealed: it names its reader and may hold a link that opens the account."""

    __tablename__ = "outgoing_mail"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"), index=True)
    # The row of the mailing it is part of: it lets every mail that somebody waits for go first, and can be called back.
    mailing_id: Mapped[int | None] = mapped_column(index=True)
    sealed: Mapped[bytes]
    written_at: Mapped[datetime] = mapped_column(index=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)


class AuditEntry(Base):
    """An act of the operator that reached one person's data, or the site's promises. Never changed."""

    __tablename__ = "audit_entry"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    at: Mapped[datetime] = mapped_column(index=True)
    act: Mapped[str] = mapped_column(sa.String(40))
    # "console", or the public id of the operator's account.
    by: Mapped[str] = mapped_column(sa.String(40))
    # Whom it was about. Empty once that account is erased: that something was done stays, whom it reached does not.
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="SET NULL"), index=True)
    # The operator's own words for why.
    reason: Mapped[str] = mapped_column(sa.String(500))
    # The reason forbids telling the person, a sealed court order for one.
    is_withheld: Mapped[bool] = mapped_column(default=False)
