"""The operator's side of requests: which are open, what one says, and the answer. Each reading goes into the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from chat.accounts import audit
from chat.accounts.models import Account, AuditEntry
from chat.consent import gate
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Problem
from chat.kernel.site import Site
from chat.requests import letters
from chat.requests.letters import Words
from chat.requests.models import PersonRequest

READ, ANSWERED = "request read", "request answered"


@dataclass(frozen=True, slots=True)
class Opened:
    """A request with its words, for the operator who must answer it, and the address to answer to."""

    row: PersonRequest
    words: Words = field(repr=False)
    answer: str = field(repr=False)
    address: str = field(repr=False)


def list_requests(*, answered: bool) -> Sequence[PersonRequest]:
    """Return the open requests, or also those that are answered; what is due first stands first."""
    query = sa.select(PersonRequest)
    if not answered:
        query = query.where(PersonRequest.answered_at.is_(None))
    return db.session.scalars(query.order_by(PersonRequest.answered_at.is_not(None), PersonRequest.due_at)).all()


def count(now: datetime) -> tuple[int, int]:
    """Return how many requests are open, and how many of these are overdue."""
    late = sa.func.coalesce(sa.func.sum(sa.case((PersonRequest.due_at < now, 1), else_=0)), 0)
    query = sa.select(sa.func.count(), late).select_from(PersonRequest).where(PersonRequest.answered_at.is_(None))
    row = db.session.execute(query).one()
    return int(row[0]), int(row[1])


def read(reference: str, site: Site, now: datetime) -> Opened:
    """Return the request opened, and record that the operator read it. Raises NotFound or CannotRead."""
    row, account = _get(reference)
    opener = letters.reader(account, site)
    words = letters.open_words(row, opener)
    audit.record(READ, reason=f"{row.public_id} ({row.kind})", now=now, about=account)
    return Opened(row, words, letters.open_answer(row, opener), account.email if account else words.email)


def answer(reference: str, text: str, site: Site, now: datetime) -> Opened:
    """Write the answer beside the request, and record that. Raises NotFound, CannotRead, or Problem for an empty one."""
    if not text.strip():
        raise Problem("An answer needs words.")
    row, account = _get(reference)
    words = letters.open_words(row, letters.reader(account, site))
    row.answer = gate.seal(letters.permit(account, site), letters.answer_place(row.public_id), text.strip().encode())
    row.answered_at = now
    row.expires_at = now + timedelta(days=site.profile.retention.requests)
    audit.record(ANSWERED, reason=f"{row.public_id} ({row.kind})", now=now, about=account)
    return Opened(row, words, text.strip(), account.email if account else words.email)


def list_readings(account: Account, row: PersonRequest) -> Sequence[AuditEntry]:
    """Return when the operator read this request of the person's, the latest first."""
    return [one for one in audit.list_about(account) if one.act == READ and one.reason.startswith(f"{row.public_id} ")]


def _get(reference: str) -> tuple[PersonRequest, Account | None]:
    row = db.session.scalars(sa.select(PersonRequest).where(PersonRequest.public_id == reference.upper())).one_or_none()
    if row is None:
        raise NotFound("There is no request with this reference. `flask requests list` shows those that are open.")
    return row, None if row.account_id is None else db.session.get(Account, row.account_id)
