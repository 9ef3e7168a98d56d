"""Keeping an exchange that failed, where the person agreed to that beforehand, and reading it: by its owner and nobody else.

What is kept is what the site itself knows: the request as it was sent, what came, and our code; no upstream's body.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent import gate, ledger
from chat.consent.gate import CannotRead, NotPermitted, Place, Reader
from chat.consent.purposes import Purpose
from chat.diagnostics.models import FailedExchange
from chat.kernel.db import db
from chat.kernel.errors import NotFound
from chat.kernel.ids import is_public_id, public_id
from chat.kernel.keyring import Keyring
from chat.providers.base import File, Image, Message, Part, Request, Text

# A fault that comes with every message must not fill the disk: the oldest goes.
MOST_KEPT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An answer that failed: what was asked of which model, what came, and our code for why it ended."""

    source: str
    model: str
    provider: str
    code: str
    request: Request = field(repr=False)
    text: str = field(repr=False)
    reasoning: str = field(repr=False)


TABLE = FailedExchange.__tablename__


def keep(account_id: int, failure: Failure, keyring: Keyring, keep_for: timedelta, now: datetime) -> bool:
    """Store the failed exchange if the person agreed to that. Return whether it was stored."""
    account = db.session.get(Account, account_id)
    if account is None or not keep_for or not ledger.allows(account, Purpose.DIAGNOSTICS):
        return False
    try:
        permit = gate.issue(account, Purpose.DIAGNOSTICS, keyring)
    except (NotPermitted, CannotRead):
        return False  # withdrawn at this moment, or a key that is gone: the answer's own settlement must go on
    _make_room(account)
    new_id = public_id()
    db.session.add(
        FailedExchange(
            public_id=new_id,
            account_id=account.id,
            failed_at=now,
            expires_at=now + keep_for,
            source=failure.source,
            model=failure.model,
            provider=failure.provider,
            code=failure.code,
            exchange=gate.seal(permit, place_of(new_id), _pack(failure)),
        )
    )
    return True


def place_of(failure_id: str) -> Place:
    return Place("failed_exchange", "exchange", failure_id)


def list_failures(account: Account, now: datetime) -> Sequence[FailedExchange]:
    """Return the person's own failed exchanges, the newest first; one whose time is up is none."""
    return db.session.scalars(_theirs(account, now).order_by(FailedExchange.id.desc())).all()


def get_failure(account: Account, failure_id: str, now: datetime) -> FailedExchange:
    """Return one of the person's own. Raises NotFound; another's, or one whose time is up, is not found either."""
    found = None
    if is_public_id(failure_id):
        found = db.session.scalars(_theirs(account, now).where(FailedExchange.public_id == failure_id)).one_or_none()
    if found is None:
        raise NotFound("This copy does not exist, or no longer. It may have been deleted, or its time was up.")
    return found


def open_failure(row: FailedExchange, reader: Reader) -> dict[str, Any]:
    """Return what was sent and what came: `system`, `messages`, `parameters`, `text`, `reasoning`. Raises CannotRead."""
    opened: dict[str, Any] = json.loads(reader.open(place_of(row.public_id), row.exchange))
    return opened


def delete(row: FailedExchange) -> None:
    """Delete one copy."""
    db.session.delete(row)


def delete_all(account: Account) -> int:
    """Delete all copies of one person. Return how many there were."""
    result = db.session.execute(
        sa.delete(FailedExchange).where(FailedExchange.account_id == account.id),
        execution_options={"synchronize_session": False},
    )
    count: int = result.rowcount  # type: ignore[attr-defined]  # a delete's result has it; the annotation is the general one
    return count


def _theirs(account: Account, now: datetime) -> sa.Select[FailedExchange]:
    return sa.select(FailedExchange).where(FailedExchange.account_id == account.id, FailedExchange.expires_at > now)


def _make_room(account: Account) -> None:
    newest = (
        sa.select(FailedExchange.id)
        .where(FailedExchange.account_id == account.id)
        .order_by(FailedExchange.id.desc())
        .limit(1)
        .offset(MOST_KEPT - 2)
        .scalar_subquery()
    )
    db.session.execute(
        sa.delete(FailedExchange).where(FailedExchange.account_id == account.id, FailedExchange.id < newest),
        execution_options={"synchronize_session": False},
    )


def _pack(failure: Failure) -> bytes:
    asked = failure.request
    packed = {
        "system": asked.system or "",
        "messages": [_message(one) for one in asked.messages],
        "parameters": {
            "model": asked.model,
            "temperature": asked.temperature,
            "max_tokens": asked.max_tokens,
            "reasoning": asked.reasoning,
        },
        "text": failure.text,
        "reasoning": failure.reasoning,
    }
    return json.dumps(packed).encode()


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role.value, "parts": [_part(one) for one in message.parts]}


def _part(part: Part) -> dict[str, str]:
    match part:
        case Text(text):
            return {"kind": "text", "text": text}
        case Image(media_type, data):
            return {"kind": "image", "type": media_type, "data": base64.b64encode(data).decode()}
        case File(name, media_type, text):
            return {"kind": "file", "name": name, "type": media_type, "text": text}
