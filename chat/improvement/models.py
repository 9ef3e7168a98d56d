"""What was taken for improvement, when, and what of it was withdrawn since. Which conversation it was, a pseudonym says."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.conversations.models import Conversation
from chat.kernel.db import Base, intpk, public_id_column


class ImprovementExport(Base):
    """One run of the export. About nobody."""

    __tablename__ = "improvement_export"

    id: Mapped[intpk]
    public_id: Mapped[public_id_column]
    begun_at: Mapped[datetime]
    # Empty while it runs, and for good if it was interrupted: nothing of it was handed out then.
    finished_at: Mapped[datetime | None]
    conversations: Mapped[int] = mapped_column(default=0)


class ExportedConversation(Base):
    """One conversation in one export. Once account or conversation are gone, the pseudonym alone is left to revoke it by."""

    __tablename__ = "exported_conversation"

    id: Mapped[intpk]
    export_id: Mapped[int] = mapped_column(sa.ForeignKey(ImprovementExport.id, ondelete="CASCADE"), index=True)
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="SET NULL"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Conversation.id, ondelete="SET NULL"), index=True)
    pseudonym: Mapped[str] = mapped_column(sa.String(64))
    exported_at: Mapped[datetime]
    # The person's ledger had come this far: a later withdrawal in it revokes.
    consent_sequence: Mapped[int]
    # It was begun before the consent, and taken because of a thumb: without the thumb it goes.
    because_rated: Mapped[bool]
    revoked_at: Mapped[datetime | None] = mapped_column(index=True)
    revoked_why: Mapped[str | None] = mapped_column(sa.String(24))
