"""The data receipt of a request of the API: made of its usage row, and signed, when somebody looks at it."""

from datetime import datetime

import sqlalchemy as sa

from chat.inference.receipts import Notary, receipt_of_call
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Problem
from chat.kernel.signing import Document
from chat.metering.models import Reservation, Usage
from chat.metering.terms import find_terms


class NotReady(Problem):
    """The request is under way, or has ended this moment. Clients that know the status ask again."""

    status = 409
    code = "receipt_not_ready"


def get_receipt(receipt_id: str, account_id: int, notary: Notary, now: datetime, *, key: str | None = None) -> Document:
    """Return a receipt of the account's, or of this key's alone. Raises NotFound, and NotReady while it is not complete."""
    row = _row(receipt_id, account_id, key)
    if row is None and _is_under_way(receipt_id, account_id, key):
        raise NotReady("The request has not ended yet. Its receipt is complete when it has.")
    terms = find_terms(row.terms) if row is not None and row.terms is not None else None
    if row is None or terms is None:
        raise NotFound("There is no such receipt, or its time is up.", code="receipt_not_found")
    return receipt_of_call(row, terms, notary, now)


def _row(receipt_id: str, account_id: int, key: str | None) -> Usage | None:
    query = sa.select(Usage).where(Usage.receipt == receipt_id, Usage.account_id == account_id)
    return db.session.scalar(query if key is None else query.where(Usage.key == key))


def _is_under_way(receipt_id: str, account_id: int, key: str | None) -> bool:
    query = sa.select(Reservation.id).where(Reservation.public_id == receipt_id, Reservation.account_id == account_id)
    return db.session.scalar(query if key is None else query.where(Reservation.key == key)) is not None
