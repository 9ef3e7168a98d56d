"""What people ask of the site's operator. Their words, and the answer's, stand in sealed columns alone."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import Account
from chat.kernel.db import Base, intpk, public_id_column
from chat.kernel.sealed import Sealed, SealedContent


class PersonRequest(Base):
    __tablename__ = "person_request"

    id: Mapped[intpk]
    # Its reference: what the page, the mail and the operator's command call it.
    public_id: Mapped[public_id_column]
    # Empty for somebody without an account: then the words hold the address to answer to.
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    received_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    words: Mapped[Sealed] = mapped_column(SealedContent)
    answer: Mapped[Sealed | None] = mapped_column(SealedContent)
