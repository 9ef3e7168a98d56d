"""Importing what was read: each conversation with a permit of its own, in a transaction of its own, and none of them twice.

Ids are made from the account and from what the conversation is called where it comes from: the same conversation, imported
once more, has the same id, and is seen to be there.
"""

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent import gate
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.importing.found import Found, Reading
from chat.conversations.models import Conversation
from chat.conversations.transcript import Transcript
from chat.kernel.db import db
from chat.kernel.keyring import Keyring


@dataclass(slots=True)
class Report:
    """How an import went."""

    stored: int = 0
    known: int = 0


def count_known(account: Account, reading: Reading) -> int:
    """Return how many of the conversations the person has here already."""
    mine = set(db.session.scalars(sa.select(Conversation.public_id).where(Conversation.account_id == account.id)))
    return sum(1 for one in reading.conversations if mine.intersection(_names(account, reading.kind, one)))


def store(account: Account, kind: str, found: Found, keyring: Keyring, keep_for: timedelta, now: datetime) -> bool:
    """Store one conversation and return True; False when it is here already. Raises NotPermitted.

    Its time counts from now: what comes from elsewhere is kept as long as what is written here.
    """
    permit = gate.issue(account, Purpose.HISTORY, keyring)
    names = _names(account, kind, found)
    mine = sa.select(Conversation.id).where(Conversation.account_id == account.id, Conversation.public_id.in_(names))
    if db.session.scalar(mine.limit(1)) is not None:
        return False
    new_id = names[0]
    # It may be there unseen: its time is up, and only the purge has not come by.
    db.session.execute(sa.delete(Conversation).where(Conversation.public_id == new_id))
    conversation = history.create(
        permit, account, _renamed(found.transcript, new_id, kind), keep_for, now, conversation_id=new_id
    )
    history.rename(permit, conversation, found.title)
    conversation.created_at = found.created_at
    conversation.updated_at = found.updated_at
    conversation.pinned = found.pinned and _may_pin(account)
    db.session.flush()  # the next one counts what is pinned
    return True


def _names(account: Account, kind: str, found: Found) -> list[str]:
    """The id that the conversation gets here; for one of ours also the id that it had, in case it never left."""
    new_id = _derived(f"{account.public_id}/{kind}/{found.source_id}")
    return [new_id, found.source_id] if kind == "Candor" else [new_id]


def _renamed(transcript: Transcript, conversation_id: str, kind: str) -> Transcript:
    ids: dict[str | None, str] = {old: _derived(f"{conversation_id}/{old}") for old in transcript.turns}
    turns = [replace(turn, id=ids[turn.id], parent=ids.get(turn.parent)) for turn in transcript.turns.values()]
    # Another service's model cannot be asked here: the conversation goes on with the site's default.
    model = transcript.model if kind == "Candor" else ""
    return replace(transcript, turns={turn.id: turn for turn in turns}, leaf=ids.get(transcript.leaf), model=model)


def _derived(name: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:12]).decode()


def _may_pin(account: Account) -> bool:
    pinned = sa.select(sa.func.count()).where(Conversation.account_id == account.id, Conversation.pinned.is_(True))
    return (db.session.scalar(pinned) or 0) < history.MOST_PINNED
