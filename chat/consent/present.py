"""What the privacy settings' template is given."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.models import ConsentEntry
from chat.consent.purposes import WORDINGS, Purpose
from chat.kernel.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeView:
    name: str
    title: str
    does: str
    who_sees: str
    how_long: str
    ends: str
    given: bool
    since: datetime | None
    stored: bool  # whether rows are kept under it, so that withdrawing asks what becomes of them


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    sequence: int
    title: str
    given: bool
    at: datetime
    source: str
    revision: int
    hash: str


def purpose_view(purpose: Purpose, account: Account, profile: Profile) -> PurposeView:
    wording = WORDINGS[purpose]
    latest = next((one for one in reversed(ledger.list_entries(account)) if one.purpose == purpose), None)
    given = latest is not None and latest.given
    return PurposeView(
        name=purpose.value,
        title=wording.title,
        does=wording.does,
        who_sees=wording.who_sees,
        how_long=f"{wording.how_long} {_period(purpose, profile)}".rstrip(),
        ends=wording.ends,
        given=given,
        since=latest.at if latest is not None and given else None,
        stored=purpose is Purpose.HISTORY,
    )


def _period(purpose: Purpose, profile: Profile) -> str:
    """Return how long that is on this site, where the profile decides it."""
    match purpose:
        case Purpose.HISTORY:
            return str(
                ngettext(
                    "Here that is %(num)d day after its last message.",
                    "Here that is %(num)d days after its last message.",
                    profile.retention.history,
                )
            )
        case Purpose.DIAGNOSTICS:
            return str(
                ngettext("Here that is after %(num)d day.", "Here that is after %(num)d days.", profile.retention.diagnostics)
            )
        case Purpose.ANALYTICS:
            return str(
                ngettext("Here that is after %(num)d day.", "Here that is after %(num)d days.", profile.retention.usage_totals)
            )
        case _:
            return ""


def entry_view(entry: ConsentEntry) -> EntryView:
    return EntryView(
        sequence=entry.sequence,
        title=WORDINGS[Purpose(entry.purpose)].title,
        given=entry.given,
        at=entry.at,
        source={
            "settings": _("in the settings"),
            "save button": _("with the save button"),
            "thumb": _("with a thumb"),
            "import": _("with an import"),
        }.get(entry.source, entry.source),
        revision=entry.wording_revision,
        hash=entry.hash,
    )
