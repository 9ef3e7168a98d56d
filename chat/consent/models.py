"""The consent ledger: one row for each yes and each no, never changed, chained so that a change shows."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk


class ConsentEntry(Base):
    __tablename__ = "consent_entry"
    __table_args__ = (sa.UniqueConstraint("account_id", "sequence"),)

    id: Mapped[intpk]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"))
    # Counts from 1 without gaps in each account's chain: a missing row shows.
    sequence: Mapped[int]
    # A purpose that needs consent, or a processing that one may object to (purposes.py).
    purpose: Mapped[str] = mapped_column(sa.String(40))
    given: Mapped[bool]
    wording_revision: Mapped[int]
    wording_hash: Mapped[str] = mapped_column(sa.String(64))
    # Which act it was: the switch in settings, the save button, …
    source: Mapped[str] = mapped_column(sa.String(40))
    # The version of the privacy policy that was in force, where the policy has versions.
    notice_version: Mapped[str | None] = mapped_column(sa.String(64))
    at: Mapped[datetime]
    # SHA-256 over this row and the previous row's hash (chain.py). Tamper-evident, not tamper-proof: whoever can write the
    # whole table can write a whole new chain, which only a signed head that the person kept shows.
    previous_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))
