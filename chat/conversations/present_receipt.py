"""An answer's data receipts as the page shows them, with what is stored now and not when they were issued."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.conversations.history import stored_until
from chat.conversations.transcript import Turn
from chat.inference.receipts import NOTHING, other_copies, stated
from chat.kernel import clock
from chat.providers.data_policy import THIS_MACHINE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    number: int
    outcome: str
    model: str
    provider: str
    host: str
    region: str
    local: bool
    retention_days: int
    trains: bool
    terms: str | None
    checked: date
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


def readable_size(count: int) -> str:
    """Return a number of bytes as people read it."""
    if count < 1000:
        return str(ngettext("%(num)d byte", "%(num)d bytes", count))
    if count < 1_000_000:
        return str(_("%(size)d KB", size=round(count / 1000)))
    return str(_("%(size).1f MB", size=count / 1_000_000))


def _views(turn: Turn, kept_until: datetime | None) -> Iterator[ReceiptView]:
    conversation = stored_until(kept_until) if kept_until else NOTHING
    now = clock.now()
    for number, receipt in enumerate(turn.receipts):
        stored = stated(conversation | other_copies(receipt, now))
        provider, sent, received, logged = (receipt[name] for name in ("provider", "sent", "received", "logged"))
        yield ReceiptView(
            number=number,
            outcome=receipt["outcome"],
            model=receipt["model"]["name"],
            provider=provider["name"],
            host=provider["host"],
            region=provider["region"],
            local=provider["region"] == THIS_MACHINE,
            retention_days=provider["retention_days"],
            trains=provider["trains"],
            terms=provider["terms"],
            checked=date.fromisoformat(provider["checked"]),
            sent=readable_size(sent["bytes"]),
            messages=sent["messages"],
            received=readable_size(received["bytes"]) if received else None,
            stored=stored["rows"],
            stored_until=max((datetime.fromisoformat(one["until"]).date() for one in stored["tables"].values()), default=None),
            with_account=logged["with_account"],
            logged_until=datetime.fromisoformat(logged["until"]).date() if logged["until"] else None,
            key=receipt["proof"]["key"] if "proof" in receipt else None,
        )
