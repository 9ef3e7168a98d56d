"""Saved conversations, under the consent `history`, and what people think of answers, under `improvement`.

What was said stands in sealed columns alone.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk, public_id_column
from chat.kernel.sealed import Sealed, SealedContent


class Conversation(Base):
    __tablename__ = "conversation"
    __table_args__ = (
        # The sidebar: pinned ones, then the newest, in steps by key (never by counting rows).
        sa.Index("ix_conversation_listing", "account_id", "pinned", "updated_at", "public_id"),
    )

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    # From when its time counts: its last message, or its import. A row that was written without it would be long over.
    kept_since: Mapped[datetime] = mapped_column(server_default="1970-01-01 00:00:00", index=True)
    # From this moment on it exists for no query, whether or not the purge has come by (chat/kernel/lifetimes.py).
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # Chosen for this one alone: so many days after its last message, and never longer than the site's limit.
    own_days: Mapped[int | None]
    pinned: Mapped[bool] = mapped_column(default=False)
    # The branch in view: a turn's public id, free to dangle for a moment while a branch is removed.
    leaf: Mapped[str | None] = mapped_column(sa.String(24))
    model: Mapped[str] = mapped_column(sa.String(64))
    temperature: Mapped[float | None]
    title: Mapped[Sealed] = mapped_column(SealedContent)
    instructions: Mapped[Sealed | None] = mapped_column(SealedContent)


class StoredTurn(Base):
    __tablename__ = "turn"
    __table_args__ = (sa.Index("ix_turn_conversation", "conversation_id", "id"),)

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey(Conversation.id, ondelete="CASCADE"))
    # Said again, so that one person's turns are found without a join.
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    parent: Mapped[str | None] = mapped_column(sa.String(24))
    role: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(16))
    problem: Mapped[str] = mapped_column(sa.String(300), default="")
    model: Mapped[str] = mapped_column(sa.String(64))
    written_at: Mapped[datetime]
    # Parts and reasoning together: text, images and files alike.
    body: Mapped[Sealed] = mapped_column(SealedContent)


class Feedback(Base):
    """A thumb on an answer, and perhaps a note. Exists only under the consent `improvement`, and goes with its answer."""

    __tablename__ = "feedback"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey(Conversation.id, ondelete="CASCADE"), index=True)
    turn_id: Mapped[int] = mapped_column(sa.ForeignKey(StoredTurn.id, ondelete="CASCADE"), unique=True)
    verdict: Mapped[str] = mapped_column(sa.String(8))
    given_at: Mapped[datetime]
    note: Mapped[Sealed | None] = mapped_column(SealedContent)


class HistoryChoice(Base):
    """For how long somebody wants their conversations kept. Without a row it is as long as is usual at the site."""

    __tablename__ = "history_choice"

    id: Mapped[intpk]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), unique=True)
    days: Mapped[int]
