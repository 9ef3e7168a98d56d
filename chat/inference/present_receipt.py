"""What every receipt shows in the same words, whichever door the request came through: who answered, and on which terms."""

from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.kernel.signing import Document
from chat.providers.data_policy import THIS_MACHINE


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswererView:
    """The model and its provider, as a receipt names them."""

    model: str
    provider: str
    host: str
    region: str
    local: bool
    retention_days: int
    trains: bool
    terms: str | None
    checked: date


def answerer_view(receipt: Document) -> AnswererView:
    provider = receipt["provider"]
    return AnswererView(
        model=receipt["model"]["name"],
        provider=provider["name"],
        host=provider["host"],
        region=provider["region"],
        local=provider["region"] == THIS_MACHINE,
        retention_days=provider["retention_days"],
        trains=provider["trains"],
        terms=provider["terms"],
        checked=date.fromisoformat(provider["checked"]),
    )


def readable_size(count: int) -> str:
    """Return a number of bytes as people read it."""
    if count < 1000:
        return str(ngettext("%(num)d byte", "%(num)d bytes", count))
    if count < 1_000_000:
        return str(_("%(size)d KB", size=round(count / 1000)))
    return str(_("%(size).1f MB", size=count / 1_000_000))
