"""What the privacy settings' template is given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.consent.ledger import OBJECTIONS, Source, State, Subject, state_of
from chat.consent.models import ConsentEntry
from chat.consent.purposes import INTERESTS, Interest, Purpose, find_wording, subject_called, wording_of
from chat.kernel.personal_data import Store, stands_on
from chat.kernel.profile import Profile

# Processing by consent that one may also object to outright: it is not proposed again then.
OBJECTIONABLE = (Purpose.IMPROVEMENT, Purpose.ANALYTICS, Purpose.PRODUCT_UPDATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeView:
    name: str
    title: str
    does: str
    who_sees: str
    how_long: str
    ends: str
    state: str  # see ledger.State
    since: datetime | None
    stored: bool  # whether rows are kept under it, so that withdrawing asks what becomes of them
    blocked: str | None  # why it cannot be switched on now


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionView:
    name: str
    title: str
    does: str
    basis: str
    since: datetime | None  # since when the person objects
    by_signal: bool
    may_take_back: bool  # by the button here; where it rests on consent, by its switch


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    sequence: int
    title: str
    act: str
    at: datetime
    source: str
    revision: int
    hash: str


def purpose_view(
    purpose: Purpose,
    entries: Sequence[ConsentEntry],
    profile: Profile,
    stores: Iterable[Store],
    *,
    is_frozen: bool,
    has_signal: bool,
) -> PurposeView:
    wording, latest = wording_of(purpose), _latest(entries, purpose)
    blocked = None
    if is_frozen:
        blocked = _("Your account is frozen, so nothing can be switched on.")
    elif has_signal and purpose is Purpose.ANALYTICS:
        blocked = _("Your browser sends Global Privacy Control, so this stays off.")
    return PurposeView(
        name=purpose.value,
        title=wording.title,
        does=wording.does,
        who_sees=wording.who_sees,
        how_long=f"{wording.how_long} {period(purpose, profile)}".rstrip(),
        ends=wording.ends,
        state=state_of(latest) if latest else State.NEVER,
        since=latest.at if latest else None,
        stored=any(stands_on(store, purpose) for store in stores),
        blocked=blocked,
    )


def objection_view(subject: Subject, entries: Sequence[ConsentEntry]) -> ObjectionView:
    wording, latest = wording_of(subject), _latest(entries, subject)
    stands = latest is not None and state_of(latest) is State.OBJECTED
    is_interest = isinstance(subject, Interest)
    return ObjectionView(
        name=subject.value,
        title=wording.title,
        does=wording.does,
        basis=_("This rests on our legitimate interest: it happens unless you object.")
        if is_interest
        else _("This needs your consent. An objection ends it, and we do not propose it to you again."),
        since=latest.at if latest is not None and stands else None,
        by_signal=latest is not None and latest.source == Source.BROWSER_SIGNAL,
        may_take_back=is_interest,
    )


def entry_view(entry: ConsentEntry) -> EntryView:
    subject = subject_called(entry.purpose)
    wording = find_wording(subject, entry.wording_hash) or wording_of(subject)
    return EntryView(
        sequence=entry.sequence,
        title=wording.title,
        act=_act(entry),
        at=entry.at,
        source={
            Source.SETTINGS: _("in the settings"),
            Source.SAVE_BUTTON: _("with the save button"),
            Source.THUMB: _("with a thumb"),
            Source.IMPORT: _("with an import"),
            Source.OBJECTION: _("in the settings"),
            Source.BROWSER_SIGNAL: _("by your browser's Global Privacy Control"),
            Source.MAIL_LINK: _("with the link in a mail"),
            Source.COOKIE_PAGE: _("on the cookies page"),
        }[Source(entry.source)],
        revision=entry.wording_revision,
        hash=entry.hash,
    )


def _act(entry: ConsentEntry) -> str:
    if entry.given:
        return _("Objection taken back") if entry.purpose in INTERESTS else _("Agreed")
    return _("Objected") if entry.source in OBJECTIONS else _("Withdrawn")


def _latest(entries: Sequence[ConsentEntry], subject: Subject) -> ConsentEntry | None:
    return next((one for one in reversed(entries) if one.purpose == subject), None)


def period(purpose: Purpose, profile: Profile) -> str:
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
            return _after(profile.retention.diagnostics)
        case Purpose.ANALYTICS:
            return _after(profile.retention.usage_totals)
        case _:
            return ""


def _after(days: int) -> str:
    return str(ngettext("Here that is after %(num)d day.", "Here that is after %(num)d days.", days))
