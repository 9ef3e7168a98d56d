"""What a person thinks of an answer: a thumb, and perhaps a note. Written with a permit for `improvement` and no other."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from chat.consent import gate
from chat.consent.gate import Permit, Place, Reader
from chat.conversations.models import Conversation, Feedback, StoredTurn
from chat.kernel.db import db
from chat.kernel.errors import NotFound
from chat.kernel.ids import is_public_id, public_id
from chat.providers.base import Role

LONGEST_NOTE = 2_000


class Verdict(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Rating:
    """A thumb with its note opened; the note is empty where none was written."""

    verdict: Verdict
    note: str


def note_place(feedback_id: str) -> Place:
    return Place("feedback", "note", feedback_id)


def rate(
    permit: Permit, conversation: Conversation, turn_id: str, verdict: Verdict, *, note: str | None, now: datetime
) -> None:
    """Write down the thumb, in place of an earlier one. A note of None leaves what was written. Raises NotFound."""
    answer = _get_answer(conversation, turn_id)
    row = _find(answer)
    if row is None:
        row = Feedback(public_id=public_id(), account_id=conversation.account_id, conversation_id=conversation.id)
        row.turn_id = answer.id
        db.session.add(row)
    row.verdict = verdict
    row.given_at = now
    if note is not None:
        words = note.strip()
        sealed = gate.seal(permit, note_place(row.public_id), words.encode("utf-8", "replace")) if words else None
        row.note = sealed


def take_back(conversation: Conversation, turn_id: str) -> None:
    """Delete the thumb with its note, if there is one. Raises NotFound when the answer is gone."""
    row = _find(_get_answer(conversation, turn_id))
    if row is not None:
        db.session.delete(row)


def list_ratings(conversation: Conversation, reader: Reader) -> dict[str, Rating]:
    """Return the thumbs given in this conversation by the public ids of their answers."""
    rows = db.session.execute(
        sa.select(StoredTurn.public_id, Feedback)
        .join(Feedback, Feedback.turn_id == StoredTurn.id)
        .where(Feedback.conversation_id == conversation.id)
    ).all()
    return {turn_id: Rating(Verdict(row.verdict), _note(row, reader)) for turn_id, row in rows}


def _note(row: Feedback, reader: Reader) -> str:
    return reader.open(note_place(row.public_id), row.note).decode() if row.note else ""


def _get_answer(conversation: Conversation, turn_id: str) -> StoredTurn:
    found = None
    if is_public_id(turn_id):
        found = db.session.scalars(
            sa.select(StoredTurn).where(
                StoredTurn.conversation_id == conversation.id,
                StoredTurn.public_id == turn_id,
                StoredTurn.role == Role.ASSISTANT.value,
            )
        ).one_or_none()
    if found is None:
        raise NotFound("That answer is not there any more. Reload the page to see what is.")
    return found


def _find(answer: StoredTurn) -> Feedback | None:
    return db.session.scalars(sa.select(Feedback).where(Feedback.turn_id == answer.id)).one_or_none()
