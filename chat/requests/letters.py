"""Requests to the operator: sent, listed, read by whoever sent them, and taken back.

The words are sealed with a permit for a letter: sending one is an act of its own, and no consent to anything (docs/adr).
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent import gate
from chat.consent.gate import GuestReader, Letter, Permit, Place, Reader
from chat.kernel import crypto
from chat.kernel.db import db
from chat.kernel.errors import NotFound
from chat.kernel.ids import is_public_id
from chat.kernel.site import Site
from chat.requests.models import PersonRequest

# Without the characters that are taken for one another when a reference is read out.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 10
LONGEST = 20_000


class Kind(StrEnum):
    """What a request asks for: the rights of the GDPR (Art. 15-22, 77), help, and what must be looked at soon."""

    ACCESS = "access"
    CORRECTION = "correction"
    DELETION = "deletion"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    QUESTION = "question"
    SUPPORT = "support"
    SECURITY = "security"
    CHILD = "child"


_MONTH = timedelta(days=30)
_SOON = timedelta(hours=48)
_DUE = {Kind.SECURITY: _SOON, Kind.CHILD: _SOON}


@dataclass(frozen=True, slots=True)
class Words:
    """What a request says. `email` is a guest's address; `exchange` a failed answer that the person attached."""

    text: str = field(repr=False)
    email: str = field(default="", repr=False)
    exchange: dict[str, Any] | None = field(default=None, repr=False)


def send(account: Account | None, kind: Kind, words: Words, site: Site, now: datetime) -> PersonRequest:
    """Store the request and return it. This is to be called only when somebody has just pressed the button that sends it."""
    words = replace(words, text=words.text.replace("\r\n", "\n"))  # as forms end lines
    reference = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    due = now + _DUE.get(kind, _MONTH)
    row = PersonRequest(
        public_id=reference,
        account_id=account.id if account else None,
        kind=kind.value,
        received_at=now,
        due_at=due,
        # An unanswered one must outlive its due date by far: it counts as overdue until it is answered.
        expires_at=due + timedelta(days=site.profile.retention.requests),
        words=gate.seal(permit(account, site), words_place(reference), json.dumps(asdict(words)).encode()),
    )
    db.session.add(row)
    return row


def permit(account: Account | None, site: Site) -> Permit:
    """Return the permit for a letter of this person, or of a guest."""
    if account is None:
        return gate.accept_from_guest(Letter.REQUEST, _guests_key(site))
    return gate.accept(account, Letter.REQUEST, site.keyring)


def reader(account: Account | None, site: Site) -> Reader:
    """Return what opens this person's letters, or a guest's. Raises CannotRead."""
    return GuestReader(_guests_key(site)) if account is None else Reader(account, site.keyring)


def list_requests(account: Account) -> Sequence[PersonRequest]:
    """Return the person's own requests, the newest first."""
    return db.session.scalars(
        sa.select(PersonRequest).where(PersonRequest.account_id == account.id).order_by(PersonRequest.id.desc())
    ).all()


def get_request(account: Account, reference: str) -> PersonRequest:
    """Return one of the person's own. Raises NotFound; another's is not found either."""
    found = None
    if is_public_id(reference):
        found = db.session.scalars(
            sa.select(PersonRequest).where(PersonRequest.account_id == account.id, PersonRequest.public_id == reference)
        ).one_or_none()
    if found is None:
        raise NotFound("This request does not exist, or no longer. It may have been taken back, or its time was up.")
    return found


def open_words(row: PersonRequest, opener: Reader) -> Words:
    """Return what was written. Raises CannotRead."""
    return Words(**json.loads(opener.open(words_place(row.public_id), row.words)))


def open_answer(row: PersonRequest, opener: Reader) -> str:
    """Return the answer, empty while there is none. Raises CannotRead."""
    return "" if row.answer is None else opener.open(answer_place(row.public_id), row.answer).decode()


def take_back(row: PersonRequest) -> None:
    """Delete the request with all that it says."""
    db.session.delete(row)


def words_place(reference: str) -> Place:
    return Place("person_request", "words", reference)


def answer_place(reference: str) -> Place:
    return Place("person_request", "answer", reference)


def _guests_key(site: Site) -> bytes:
    return crypto.derive(site.secret, "requests of guests")
