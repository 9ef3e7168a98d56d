"""An answer's data receipt: where it went, on which terms, what of it is stored here until when, and what was logged.

It holds no word of the question or the answer. It is signed with the site's key when the answer is settled, so that it can be
checked without this site; docs/receipts.md describes the format. What it says of storage is counted in the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chat.inference.sizes import pictures_in, size_of
from chat.kernel.signing import Document, SigningKeys
from chat.kernel.site import Site
from chat.metering.ledger import Measure, Source
from chat.metering.models import Usage
from chat.metering.personal_data import STORES as METER
from chat.metering.terms import terms_of
from chat.providers.base import Request
from chat.providers.catalogue import Model

TYPE = "candor-data-receipt/1"
# The tables that hold an answer as a part of a saved conversation.
CONVERSATION = ("conversation", "turn")
_ARRIVING = "arriving"
_USAGE = next(store for store in METER if store.model is Usage)


@dataclass(frozen=True, slots=True)
class Stored:
    """What of an exchange stands in this site's database: how many rows of which table, and when they go at the latest."""

    rows: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)

    def __or__(self, other: "Stored") -> "Stored":
        return Stored({**self.rows, **other.rows})


NOTHING = Stored()


@dataclass(frozen=True, slots=True)
class Notary:
    """Who issues receipts, and how long this site keeps its usage rows."""

    site: str
    signing: SigningKeys
    logs: timedelta


@dataclass(frozen=True, slots=True)
class Draft:
    """A receipt whose answer is still to come. It is good for an answer that nobody stayed to see the end of."""

    document: Document
    notary: Notary

    def complete(self, measure: Measure, stored: Stored, now: datetime) -> Document:
        """Return the signed receipt of the answer as it ended."""
        ended = {"outcome": measure.status.value, "code": measure.code, "received": {"bytes": measure.output_bytes}}
        return self.notary.signing.sign(self.document | ended | {"issued_at": moment(now), "stored": stated(stored)})


def notary_of(site: Site) -> Notary:
    """Return the one who issues this site's receipts."""
    return Notary(site.profile.site.name, site.signing, timedelta(days=site.profile.retention.request_logs))


def draft(
    model: Model, request: Request, source: Source, *, subject: str, has_account: bool, notary: Notary, now: datetime
) -> Draft:
    """Return the receipt of a question that is about to be asked; `subject` is the answer's public id."""
    document: Document = {
        "type": TYPE,
        "site": notary.site,
        "issued_at": moment(now),
        "asked_at": moment(now),
        "answer": subject,
        "source": source.value,
        "outcome": _ARRIVING,
        "code": None,
        **terms_of(model)[1],
        "sent": {"bytes": size_of(request), "messages": len(request.messages), "pictures": pictures_in(request)},
        "received": None,
        "stored": stated(NOTHING),
        "logged": _logged(notary, now, has_account=has_account),
    }
    return Draft(document, notary)


def receipt_of_call(row: Usage, terms: Document, notary: Notary, now: datetime) -> Document:
    """Return the signed receipt of a request of the API, from its usage row and what was said of its model then.

    Nothing of what passes the API is stored, whatever anybody agreed to: it has no code that could.
    """
    return notary.signing.sign(
        {
            "type": TYPE,
            "site": notary.site,
            "issued_at": moment(now),
            "asked_at": moment(row.at - timedelta(milliseconds=row.total_ms)),
            "answer": row.receipt,
            "source": row.source,
            "outcome": row.status,
            "code": row.code,
            **terms,
            "sent": {"bytes": row.input_bytes},
            "received": {"bytes": row.output_bytes},
            "stored": stated(NOTHING),
            "logged": _logged(notary, row.at, has_account=row.account_id is not None),
        }
    )


def amended(receipt: Document, conversation: Stored, now: datetime, notary: Notary) -> Document:
    """Return the receipt with what is stored now, signed anew where that changed or where it was a draft still.

    `conversation` is what is stored of it as a part of a conversation. Other copies are those of the receipt, until their time.
    """
    stored = stated(conversation | other_copies(receipt, now))
    if receipt["stored"] == stored and "proof" in receipt:
        return receipt
    unsigned = {name: value for name, value in receipt.items() if name != "proof"}
    return notary.signing.sign(unsigned | {"issued_at": moment(now), "stored": stored})


def other_copies(receipt: Document, now: datetime) -> Stored:
    """Return what the receipt says is stored beside the conversation, as far as its time is not up."""
    copies = {
        table: (one["rows"], datetime.fromisoformat(one["until"]))
        for table, one in receipt["stored"]["tables"].items()
        if table not in CONVERSATION
    }
    return Stored({table: (rows, until) for table, (rows, until) in copies.items() if until > now})


def summary(receipt: Document) -> str:
    """Return the receipt in one line, for a header: a dictionary of structured fields (RFC 9651)."""
    provider, stored = receipt["provider"], receipt["stored"]
    facts = [
        f'model="{_plain(receipt["model"]["id"])}"',
        f'provider="{_plain(provider["id"])}"',
        f'host="{_plain(provider["host"])}"',
        f'region="{_plain(provider["region"])}"',
        f"retention-days={provider['retention_days']}",
        f"trains=?{int(provider['trains'])}",
        f"sent={receipt['sent']['bytes']}",
        f"stored={stored['rows']}",
    ]
    return ", ".join(facts)


def _logged(notary: Notary, at: datetime, *, has_account: bool) -> Document:
    # A site that keeps no rows of calls adds each to the day's sums alone.
    return {
        "rows": 1 if notary.logs else 0,
        "table": Usage.__tablename__,
        "columns": [*_USAGE.exported] if notary.logs else [],
        "with_account": has_account,
        "until": moment(at + notary.logs) if notary.logs else None,
    }


def stated(stored: Stored) -> Document:
    """Return how a receipt states what is stored."""
    return {
        "rows": sum(rows for rows, _until in stored.rows.values()),
        "tables": {table: {"rows": rows, "until": moment(until)} for table, (rows, until) in stored.rows.items()},
    }


def moment(at: datetime) -> str:
    """Return the time as receipts write it: UTC, to the second (RFC 3339)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(text: str) -> str:
    """Return what a header's string may hold: printable ASCII, quotes and backslashes escaped."""
    shown = "".join(one if " " <= one <= "~" else "?" for one in text)
    return shown.replace("\\", "\\\\").replace('"', '\\"')
