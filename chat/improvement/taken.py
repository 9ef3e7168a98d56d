"""What was taken of one person's conversations, for that person to see."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent.gate import Reader
from chat.conversations.history import open_title
from chat.conversations.models import Conversation
from chat.improvement.models import ExportedConversation, ImprovementExport
from chat.kernel.db import db

MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """One conversation in one export. Title and id are None once the conversation is gone."""

    title: str | None
    public_id: str | None
    taken_at: datetime
    withdrawn_at: datetime | None


def list_taken(account: Account, reader: Reader, now: datetime) -> list[Taken]:
    """Return what was taken, the latest first. Of an interrupted export nothing was."""
    rows = db.session.execute(
        sa.select(ExportedConversation, Conversation)
        .join(ImprovementExport, ImprovementExport.id == ExportedConversation.export_id)
        .outerjoin(Conversation, (Conversation.id == ExportedConversation.conversation_id) & (Conversation.expires_at > now))
        .where(ExportedConversation.account_id == account.id, ImprovementExport.finished_at.is_not(None))
        .order_by(ExportedConversation.id.desc())
        .limit(MOST_SHOWN)
    ).all()
    return [_taken(row, conversation, reader) for row, conversation in rows]


def _taken(row: ExportedConversation, conversation: Conversation | None, reader: Reader) -> Taken:
    if conversation is None:
        return Taken(None, None, row.exported_at, row.revoked_at)
    title = open_title(conversation.public_id, conversation.title, reader)
    return Taken(title, conversation.public_id, row.exported_at, row.revoked_at)
