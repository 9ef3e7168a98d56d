"""An answer's data receipts as the page shows them, with what is stored now and not when they were issued."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from chat.conversations.history import stored_until
from chat.conversations.transcript import Turn
from chat.inference.present_receipt import AnswererView, answerer_view, readable_size
from chat.inference.receipts import NOTHING, other_copies, stated
from chat.kernel import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    number: int
    outcome: str
    by: AnswererView
    sent: str
    messages: int
    received: str | None
    stored: int
    stored_until: date | None
    with_account: bool
    logged_until: date | None
    key: str | None


def receipt_views(turn: Turn, kept_until: datetime | None) -> list[ReceiptView]:
    """Return the answer's receipts, newest first; `kept_until` is when the conversation goes, None if it is not stored."""
    return list(_views(turn, kept_until))[::-1]


def _views(turn: Turn, kept_until: datetime | None) -> Iterator[ReceiptView]:
    conversation = stored_until(kept_until) if kept_until else NOTHING
    now = clock.now()
    for number, receipt in enumerate(turn.receipts):
        stored = stated(conversation | other_copies(receipt, now))
        sent, received, logged = (receipt[name] for name in ("sent", "received", "logged"))
        yield ReceiptView(
            number=number,
            outcome=receipt["outcome"],
            by=answerer_view(receipt),
            sent=readable_size(sent["bytes"]),
            messages=sent["messages"],
            received=readable_size(received["bytes"]) if received else None,
            stored=stored["rows"],
            stored_until=max((datetime.fromisoformat(one["until"]).date() for one in stored["tables"].values()), default=None),
            with_account=logged["with_account"],
            logged_until=datetime.fromisoformat(logged["until"]).date() if logged["until"] else None,
            key=receipt["proof"]["key"] if "proof" in receipt else None,
        )
