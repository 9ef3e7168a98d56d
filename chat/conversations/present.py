"""What the chat's templates are given: plain values, ready to be written down. The templates say what they need."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from markupsafe import Markup

from chat.consent.purposes import WORDINGS, Purpose
from chat.conversations.feedback import LONGEST_NOTE, Rating
from chat.conversations.history import Saved
from chat.conversations.keeping import Offer, list_days
from chat.conversations.markdown import render_markdown
from chat.conversations.models import Conversation
from chat.conversations.present_receipt import ReceiptView, receipt_views
from chat.conversations.queries import Listing
from chat.conversations.transcript import State, Transcript, Turn
from chat.inference.present_receipt import readable_size
from chat.kernel.profile import Profile
from chat.providers.base import File, Image, Role
from chat.providers.catalogue import Model

# From when on a list says how long is left.
_SOON_DAYS = 7
ACCEPTED_IMAGES = "image/png,image/jpeg,image/webp,image/gif"
ACCEPTED_FILES = (
    ".pdf,.txt,.md,.csv,.tsv,.json,.xml,.yaml,.yml,.toml,.html,.css,.js,.ts,.py,.sh,.sql,.c,.h,.cpp,.go,.rs,.java,.rb,.php,.log"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    id: str
    name: str
    provider: str
    region: str
    retention_days: int
    trains: bool
    images: bool
    local: bool
    policy_url: str | None
    checked: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    name: str
    detail: str
    picture: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    id: str
    parent: str
    role: str
    text: str
    html: Markup | None
    reasoning: str
    files: list[FileView]
    model_name: str
    state: str
    problem: str | None
    receipts: list[ReceiptView]
    position: int
    count: int
    previous_id: str | None
    next_id: str | None
    rating: "RatingView | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingView:
    """What a person may say of an answer, and has said."""

    verdict: str
    note: str
    consented: bool
    title: str
    wording: tuple[str, ...]
    revision: str
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """A lifetime to choose."""

    days: int
    name: str
    note: str
    chosen: bool
    usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeView:
    """When a saved conversation goes, and what else may be chosen for it."""

    conversation: str
    deletes_on: date
    soon: str
    own_days: int | None
    usual: str
    offers: list[OfferView]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageView:
    state: str
    lifetime: "LifetimeView | None"
    offered: bool
    consented: bool
    wording: str
    revision: str
    keep_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLine:
    """As much of a ChatView as the line about storage needs."""

    storage: StorageView
    model: ModelView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesView:
    accept: str
    megabytes: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatView:
    title: str | None
    conversation: str | None
    transcript: str | None
    turns: list[TurnView]
    models: list[ModelView]
    left_out: int
    model: ModelView | None
    instructions: str
    temperature: float | None
    draft: str
    problem: str | None
    storage: StorageView
    files: FilesView | None
    sensitive_data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    public_id: str
    title: str
    pinned: bool
    current: bool
    deletes_on: date | None
    soon: str


@dataclass(frozen=True, slots=True)
class DayView:
    label: str
    entries: list[EntryView]


@dataclass(frozen=True, slots=True)
class SidebarView:
    days: list[DayView]
    older_url: str | None


def model_view(model: Model) -> ModelView:
    return ModelView(
        id=model.id,
        name=model.name,
        provider=model.provider_name,
        region=model.policy.region,
        retention_days=model.policy.retention_days,
        trains=model.policy.trains,
        images=model.sees_images,
        local=model.policy.stays_here,
        policy_url=model.policy.url or None,
        checked=model.policy.checked,
    )


def turn_views(
    transcript: Transcript, name_of: Callable[[str], str], kept_until: datetime | None, ratings: "Ratings | None" = None
) -> list[TurnView]:
    """Return the branch in view, turn by turn; `kept_until` is when the conversation goes, None if it is not stored."""
    return [turn_view(transcript, turn, name_of, kept_until, ratings=ratings) for turn in transcript.path()]


def turn_view(
    transcript: Transcript,
    turn: Turn,
    name_of: Callable[[str], str],
    kept_until: datetime | None,
    *,
    arriving: bool = False,
    ratings: "Ratings | None" = None,
) -> TurnView:
    """Return one turn with its place among its alternatives."""
    alternatives = [one.id for one in transcript.siblings(turn)]
    at = alternatives.index(turn.id)
    is_answer = turn.role is Role.ASSISTANT
    return TurnView(
        id=turn.id,
        parent=turn.parent or "",
        role=turn.role.value,
        text=turn.text,
        html=render_markdown(turn.text) if is_answer and turn.text else None,
        reasoning=turn.reasoning,
        files=[_file_view(one) for one in turn.files],
        model_name=name_of(turn.model) if is_answer else "",
        state="arriving" if arriving else turn.state.value,
        problem=turn.problem or _silence(turn, arriving=arriving),
        receipts=[] if arriving else receipt_views(turn, kept_until),
        position=at + 1,
        count=len(alternatives),
        previous_id=alternatives[at - 1] if at else None,
        next_id=alternatives[at + 1] if at + 1 < len(alternatives) else None,
        rating=rating_view(ratings, turn.id) if ratings is not None and is_answer and turn.text else None,
    )


@dataclass(frozen=True, slots=True)
class Ratings:
    """The thumbs of one saved conversation, and whether the person has agreed to giving any."""

    given: dict[str, Rating]
    consented: bool


def rating_view(ratings: Ratings, turn_id: str) -> RatingView:
    wording = WORDINGS[Purpose.IMPROVEMENT]
    given = ratings.given.get(turn_id)
    return RatingView(
        verdict=given.verdict.value if given else "",
        note=given.note if given else "",
        consented=ratings.consented,
        title=wording.title,
        wording=(wording.does, f"{_('Who sees it:')} {wording.who_sees}", wording.how_long, wording.ends),
        revision=str(wording.revision),
        longest=LONGEST_NOTE,
    )


def _silence(turn: Turn, *, arriving: bool) -> str | None:
    """Return what to say of an answer without a word: the page or the server went away before the first one."""
    if turn.role is Role.ASSISTANT and not turn.parts and not arriving and turn.state in (State.STOPPED, State.DONE):
        return _("No answer came. It was stopped, or the connection was lost.")
    return None


def _file_view(part: Image | File) -> FileView:
    match part:
        case Image(media_type, data):
            encoded = base64.b64encode(data).decode()
            return FileView(name=_("Picture"), detail=readable_size(len(data)), picture=f"data:{media_type};base64,{encoded}")
        case File(name, _media_type, text):
            return FileView(name=name, detail=readable_size(len(text.encode("utf-8", "replace"))), picture=None)


def storage_view(
    profile: Profile, *, state: str, consented: bool, lifetime: LifetimeView | None = None, keep_days: int = 0
) -> StorageView:
    wording = WORDINGS[Purpose.HISTORY]
    return StorageView(
        state=state,
        lifetime=lifetime,
        offered=profile.features.history,
        consented=consented,
        wording=" ".join((wording.does, _("Who sees it:"), wording.who_sees, wording.how_long)),
        revision=str(wording.revision),
        keep_days=keep_days,
    )


def lifetime_view(row: Conversation, usual: int, ends: datetime, profile: Profile, now: datetime) -> LifetimeView:
    """Return when the conversation goes; `usual` is how many days the person's others are kept."""
    days = sorted({*list_days(profile), row.own_days or usual})
    return LifetimeView(
        conversation=row.public_id,
        deletes_on=ends.date(),
        soon=_soon(ends, now),
        own_days=row.own_days,
        usual=span(usual),
        offers=[
            OfferView(days=one, name=span(one), note="", chosen=one == row.own_days, usual=False)
            for one in days
            if one <= profile.retention.history_longest
        ],
    )


def offer_views(offers: list[Offer], *, chosen: int, profile: Profile) -> list[OfferView]:
    """Return the lifetimes to choose from, what is chosen now among them."""
    known = [*offers, *([] if any(one.days == chosen for one in offers) else [Offer(chosen, 0)])]
    return [
        OfferView(
            days=one.days,
            name=span(one.days),
            note=ngettext("Deletes %(num)d conversation now.", "Deletes %(num)d conversations now.", one.ends_now)
            if one.ends_now
            else "",
            chosen=one.days == chosen,
            usual=one.days == profile.retention.history,
        )
        for one in sorted(known, key=lambda one: one.days)
    ]


def span(days: int) -> str:
    """Return a lifetime in words, in years where it is years."""
    if days and days % 365 == 0:
        return ngettext("%(num)d year", "%(num)d years", days // 365)
    return ngettext("%(num)d day", "%(num)d days", days)


def _soon(ends: datetime, now: datetime) -> str:
    """Return how long is left when that is not long, else nothing."""
    hours = (ends - now) / timedelta(hours=1)
    if hours >= _SOON_DAYS * 24:
        return ""
    if hours < 1:
        return _("goes within the hour")
    if hours < 48:
        return ngettext("%(num)d hour left", "%(num)d hours left", int(hours))
    return ngettext("%(num)d day left", "%(num)d days left", int(hours // 24))


def files_view(profile: Profile, *, sees_images: bool) -> FilesView | None:
    if not profile.features.files:
        return None
    accept = f"{ACCEPTED_IMAGES},{ACCEPTED_FILES}" if sees_images else ACCEPTED_FILES
    return FilesView(accept=accept, megabytes=profile.limits.upload_megabytes, count=profile.limits.files_per_message)


def sidebar_view(listing: Listing, profile: Profile, now: datetime, current: str | None) -> SidebarView:
    older = f"/history?before={listing.older}" if listing.older else None
    return SidebarView(day_views(listing, profile, now, current), older)


def day_views(listing: Listing, profile: Profile, now: datetime, current: str | None = None) -> list[DayView]:
    """Return the conversations under the day they were last used, pinned ones first."""
    days = [DayView(_("Pinned"), [entry_view(one, profile, now, current) for one in listing.pinned])] if listing.pinned else []
    for saved in listing.recent:
        label = _day(saved.updated_at.date(), now.date())
        if not days or days[-1].label != label:
            days.append(DayView(label, []))
        days[-1].entries.append(entry_view(saved, profile, now, current))
    return days


def entry_view(saved: Saved, profile: Profile, now: datetime, current: str | None) -> EntryView:
    """Return one conversation as the list shows it; `current` is the one that is open."""
    ends = min(saved.expires_at, saved.kept_since + timedelta(days=profile.retention.history_longest))
    return EntryView(
        public_id=saved.public_id,
        title=saved.title,
        pinned=saved.pinned,
        current=saved.public_id == current,
        deletes_on=ends.date(),
        soon=_soon(ends, now),
    )


def _day(day: date, today: date) -> str:
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    label: str = format_date(day, "d MMMM" if day.year == today.year else "d MMMM yyyy")
    return label
