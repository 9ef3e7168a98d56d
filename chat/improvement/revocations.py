"""What was taken and may not be used any more: the list that whoever has a copy must follow."""

import json
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent.models import ConsentEntry
from chat.conversations.models import Conversation, Feedback
from chat.improvement.eligible import NEEDED
from chat.improvement.models import ExportedConversation, ImprovementExport
from chat.kernel.db import db

_STEP = 500


def mark(now: datetime) -> int:
    """Write down what is withdrawn since it was taken, and why. Return how many copies that are."""
    taken = ExportedConversation
    withdrawn = sa.exists().where(
        ConsentEntry.account_id == taken.account_id,
        ConsentEntry.sequence > taken.consent_sequence,
        ConsentEntry.purpose.in_(NEEDED),
        ConsentEntry.given.is_(False),
    )
    restricted = sa.exists().where(
        Account.id == taken.account_id, Account.frozen_at.is_not(None) | Account.closing_at.is_not(None)
    )
    there = sa.exists().where(Conversation.id == taken.conversation_id, Conversation.expires_at > now)
    rated = sa.exists().where(Feedback.conversation_id == taken.conversation_id)
    reasons = (
        ("account erased", taken.account_id.is_(None)),
        ("consent withdrawn", withdrawn),
        ("account restricted", restricted),
        ("conversation deleted", ~there),
        ("feedback taken back", taken.because_rated.is_(True) & ~rated),
    )
    return sum(_mark(condition, why, now) for why, condition in reasons)


def lines() -> Iterator[str]:
    """Yield a line for each copy that is withdrawn, the earliest first."""
    last = 0
    while rows := db.session.execute(
        sa.select(ExportedConversation, ImprovementExport.public_id)
        .join(ImprovementExport, ImprovementExport.id == ExportedConversation.export_id)
        .where(ExportedConversation.revoked_at.is_not(None), ExportedConversation.id > last)
        .order_by(ExportedConversation.id)
        .limit(_STEP)
    ).all():
        for row, export in rows:
            yield _line(row, export)
        last = rows[-1][0].id
        db.session.expunge_all()


def _line(row: ExportedConversation, export: str) -> str:
    assert row.revoked_at is not None
    revoked = {
        "conversation": row.pseudonym,
        "export": export,
        "exported_at": row.exported_at.isoformat(),
        "revoked_at": row.revoked_at.isoformat(),
        "reason": row.revoked_why,
    }
    return json.dumps(revoked) + "\n"


def _mark(condition: sa.ColumnElement[bool], why: str, now: datetime) -> int:
    result = db.session.execute(
        sa.update(ExportedConversation)
        .where(ExportedConversation.revoked_at.is_(None), condition)
        .values(revoked_at=now, revoked_why=why),
        execution_options={"synchronize_session": False},
    )
    count: int = result.rowcount  # type: ignore[attr-defined]  # an update's result has it; the annotation is the general one
    return count
