"""Saved conversations: written with a permit, read with the person's own key. Nothing here asks a model or knows a page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _

from chat.accounts.models import Account
from chat.consent import gate
from chat.consent.gate import CannotRead, Permit, Place, Reader
from chat.conversations.codec import pack_body, receipts_of_body, unpack_body
from chat.conversations.models import Conversation, StoredTurn
from chat.conversations.titles import title_from
from chat.conversations.transcript import State, Transcript, Turn
from chat.inference.receipts import NOTHING, Stored
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Problem
from chat.kernel.ids import is_public_id, public_id
from chat.kernel.lifetimes import EVEN_EXPIRED
from chat.kernel.sealed import Sealed
from chat.providers.base import Role

# The list shows all pinned ones before the others, in one step.
MOST_PINNED = 100
_LONGEST_TITLE = 200
_GONE = "This conversation does not exist, or no longer. It may have been deleted, or its time was up."


@dataclass(frozen=True, slots=True)
class Saved:
    """A conversation's row with its sealed words opened for its owner."""

    public_id: str
    title: str
    pinned: bool
    updated_at: datetime
    kept_since: datetime
    expires_at: datetime


def title_place(conversation_id: str) -> Place:
    return Place("conversation", "title", conversation_id)


def instructions_place(conversation_id: str) -> Place:
    return Place("conversation", "instructions", conversation_id)


def body_place(turn_id: str) -> Place:
    return Place("turn", "body", turn_id)


def get_conversation(account: Account, conversation_id: str, now: datetime) -> Conversation:
    """Return the person's own conversation. Raises NotFound; another's, or one whose time is up, is not found either."""
    found = None
    if is_public_id(conversation_id):
        found = db.session.scalars(
            sa.select(Conversation).where(
                Conversation.account_id == account.id, Conversation.public_id == conversation_id, Conversation.expires_at > now
            )
        ).one_or_none()
    if found is None:
        raise NotFound(_GONE)
    return found


def hold(conversation: Conversation) -> None:
    """Let no other transaction change or delete the conversation until this one ends. Raises NotFound when it is gone."""
    held = sa.update(Conversation).where(Conversation.id == conversation.id).values(id=Conversation.id)
    if _count(held) == 0:
        raise NotFound(_GONE)


def create(
    permit: Permit,
    account: Account,
    transcript: Transcript,
    keep_for: timedelta,
    now: datetime,
    *,
    conversation_id: str | None = None,
) -> Conversation:
    """Store `transcript` as a new conversation of `account` and return its row."""
    first = next((turn.text for turn in transcript.turns.values() if turn.role is Role.USER and turn.text), "")
    new_id = conversation_id or public_id()
    conversation = Conversation(
        public_id=new_id,
        account_id=account.id,
        created_at=now,
        updated_at=now,
        kept_since=now,
        expires_at=now + keep_for,
        own_days=None,
        pinned=False,
        leaf=transcript.leaf,
        model=transcript.model,
        temperature=transcript.temperature,
        title=_sealed_title(permit, new_id, title_from(first)),
        instructions=_sealed_instructions(permit, new_id, transcript.instructions),
    )
    db.session.add(conversation)
    db.session.flush()  # its turns need its row id
    for turn in transcript.turns.values():
        _add_turn(permit, conversation, turn)
    return conversation


def update(permit: Permit, conversation: Conversation, transcript: Transcript, keep_for: timedelta, now: datetime) -> None:
    """Write down how the conversation is asked from now on, and count its time anew."""
    conversation.updated_at = conversation.kept_since = now
    conversation.expires_at = now + keep_for
    conversation.leaf = transcript.leaf
    conversation.model = transcript.model
    conversation.temperature = transcript.temperature
    conversation.instructions = _sealed_instructions(permit, conversation.public_id, transcript.instructions)


def write_turn(permit: Permit, conversation: Conversation, turn: Turn) -> None:
    """Store one turn, or what has become of it, and bring it into view."""
    if not rewrite_turn(permit, conversation, turn):
        _add_turn(permit, conversation, turn)
        conversation.leaf = turn.id


def rewrite_turn(permit: Permit, conversation: Conversation, turn: Turn) -> bool:
    """Store what has become of a turn, and bring it into view. Return False when it is not there any more."""
    stored = db.session.scalars(
        sa.select(StoredTurn).where(StoredTurn.conversation_id == conversation.id, StoredTurn.public_id == turn.id)
    ).one_or_none()
    if stored is None:
        return False
    stored.state = turn.state
    stored.problem = turn.problem
    stored.model = turn.model
    stored.body = gate.seal(permit, body_place(turn.id), pack_body(turn))
    conversation.leaf = turn.id
    return True


def find_holding(account: Account, turn_ids: Collection[str], now: datetime) -> str | None:
    """Return the public id of the person's conversation that holds all these turns already, if there is one."""
    if not turn_ids:
        return None
    return db.session.scalar(
        sa.select(Conversation.public_id)
        .join(StoredTurn, StoredTurn.conversation_id == Conversation.id)
        .where(Conversation.account_id == account.id, Conversation.expires_at > now, StoredTurn.public_id.in_(list(turn_ids)))
        .group_by(Conversation.public_id)
        .having(sa.func.count() == len(turn_ids))
    )


def has_any(turn_ids: Collection[str]) -> bool:
    """Whether one of these turns is stored, in whatever conversation, also in one that waits for the purge: ids are unique."""
    one = sa.select(StoredTurn.id).where(StoredTurn.public_id.in_(list(turn_ids))).limit(1)
    return db.session.scalar(one, execution_options=EVEN_EXPIRED) is not None


def stored_of(turn: Turn) -> Stored:
    """Return what of an answer and its question stands in the database, past its time or not: for the answer's receipt."""
    times = db.session.scalars(
        sa.select(Conversation.expires_at)
        .join(StoredTurn, StoredTurn.conversation_id == Conversation.id)
        .where(StoredTurn.public_id.in_([turn.id, turn.parent or turn.id])),
        execution_options=EVEN_EXPIRED,
    ).all()
    return stored_until(max(times), turns=len(times)) if times else NOTHING


def stored_until(until: datetime, *, turns: int = 2) -> Stored:
    """Return what is stored of an answer and its question in a conversation that goes at `until`."""
    # The conversation's own row counts: its title begins with the first words.
    return Stored({"conversation": (1, until), "turn": (turns, until)})


def load(conversation: Conversation, reader: Reader) -> Transcript:
    """Return the whole conversation, opened."""
    rows = db.session.scalars(
        sa.select(StoredTurn).where(StoredTurn.conversation_id == conversation.id).order_by(StoredTurn.id)
    ).all()
    instructions = (
        reader.open(instructions_place(conversation.public_id), conversation.instructions) if conversation.instructions else b""
    )
    turns = {row.public_id: _opened(row, reader) for row in rows}
    newest = rows[-1].public_id if rows else None
    return Transcript(
        turns=turns,
        # Another tab may have removed the branch in view while an answer was on its way to it.
        leaf=conversation.leaf if conversation.leaf in turns else newest,
        model=conversation.model,
        instructions=instructions.decode(),
        temperature=conversation.temperature,
    )


def show_branch(conversation: Conversation, transcript: Transcript) -> None:
    """Remember which branch is in view."""
    conversation.leaf = transcript.leaf


def list_below(conversation: Conversation, turn_id: str) -> set[str]:
    """Return the ids of the turn and of all that hangs from it, as they are stored now."""
    rows = db.session.execute(
        sa.select(StoredTurn.public_id, StoredTurn.parent)
        .where(StoredTurn.conversation_id == conversation.id)
        .order_by(StoredTurn.id)
    )
    found = {turn_id}
    for stored_id, parent in rows:  # parents stand before their children
        if parent in found:
            found.add(stored_id)
    return found


def remove_turns(conversation: Conversation, turn_ids: Iterable[str]) -> int:
    """Delete these turns of the conversation and return how many there were."""
    return _count(
        sa.delete(StoredTurn).where(StoredTurn.conversation_id == conversation.id, StoredTurn.public_id.in_(list(turn_ids)))
    )


def remove_last(conversation: Conversation, turn_ids: Collection[str]) -> None:
    """Delete these turns, but for those below which another tab has gone on: nothing may hang from what is not there."""
    if not turn_ids:
        return
    followed = sa.select(StoredTurn.parent).where(
        StoredTurn.conversation_id == conversation.id, StoredTurn.parent.in_(list(turn_ids))
    )
    remove_turns(conversation, set(turn_ids) - set(db.session.scalars(followed)))


def pin(conversation: Conversation, *, pinned: bool) -> None:
    """Keep the conversation at the top of the list, or no longer. Raises Problem when there is no more room there."""
    if pinned and not conversation.pinned:
        mine = sa.select(sa.func.count()).where(
            Conversation.account_id == conversation.account_id, Conversation.pinned.is_(True)
        )
        if (db.session.scalar(mine) or 0) >= MOST_PINNED:
            raise Problem(f"At most {MOST_PINNED} conversations can be pinned. Unpin another one first.")
    conversation.pinned = pinned


def rename(permit: Permit, conversation: Conversation, title: str) -> None:
    """Give the conversation the title a person or a model chose; an empty one leaves it as it is."""
    words = " ".join(title.split())[:_LONGEST_TITLE]
    if words:
        conversation.title = _sealed_title(permit, conversation.public_id, words)


def delete(conversation: Conversation) -> int:
    """Delete the conversation with its turns, and return how many of these there were."""
    turns = _count(sa.delete(StoredTurn).where(StoredTurn.conversation_id == conversation.id))
    db.session.execute(sa.delete(Conversation).where(Conversation.id == conversation.id))
    return turns


def opened(conversation: Conversation, reader: Reader) -> Saved:
    """Return the conversation for a list of the person's own."""
    return Saved(
        conversation.public_id,
        open_title(conversation.public_id, conversation.title, reader),
        conversation.pinned,
        conversation.updated_at,
        conversation.kept_since,
        conversation.expires_at,
    )


def open_title(conversation_id: str, title: Sealed, reader: Reader) -> str:
    """Return the title. One damaged row must not keep the person from their other conversations."""
    try:
        return reader.open(title_place(conversation_id), title).decode()
    except CannotRead:
        unreadable: str = _("Damaged: it does not open")
        return unreadable


def _add_turn(permit: Permit, conversation: Conversation, turn: Turn) -> None:
    db.session.add(
        StoredTurn(
            public_id=turn.id,
            conversation_id=conversation.id,
            account_id=conversation.account_id,
            parent=turn.parent,
            role=turn.role,
            state=turn.state,
            problem=turn.problem,
            model=turn.model,
            written_at=turn.written_at,
            body=gate.seal(permit, body_place(turn.id), pack_body(turn)),
        )
    )


def _opened(row: StoredTurn, reader: Reader) -> Turn:
    body = reader.open(body_place(row.public_id), row.body)
    parts, reasoning = unpack_body(body)
    turn = Turn(row.public_id, row.parent, Role(row.role), parts, row.written_at, receipts=receipts_of_body(body))
    return replace(turn, model=row.model, reasoning=reasoning, state=State(row.state), problem=row.problem)


def _sealed_title(permit: Permit, conversation_id: str, title: str) -> Sealed:
    return gate.seal(permit, title_place(conversation_id), title.encode("utf-8", "replace"))


def _sealed_instructions(permit: Permit, conversation_id: str, instructions: str) -> Sealed | None:
    if not instructions:
        return None
    return gate.seal(permit, instructions_place(conversation_id), instructions.encode("utf-8", "replace"))


def _count(statement: sa.Delete | sa.Update) -> int:
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    count: int = result.rowcount  # type: ignore[attr-defined]  # it has one; the annotation is the general one
    return count
