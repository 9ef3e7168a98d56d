"""What the page "Your data" is given: sentences and figures, ready to be written down."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_date, format_decimal, ngettext
from flask_babel import gettext as _

from chat.accounts.models import AuditEntry
from chat.datarights.overview import Held
from chat.kernel.personal_data import Basis
from chat.kernel.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldView:
    id: str
    title: str
    count: str
    size: str
    holds: str
    why: str
    basis: str
    expiry: str
    since: datetime | None
    next_to_go: datetime | None
    sealed: bool
    readers: str  # who may read it beside the person; empty: nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class SumView:
    """The whole in a line: how much, how large, and what goes first."""

    count: str
    number: int
    size: str
    categories: int
    next_title: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView:
    at: datetime
    act: str
    by: str
    reason: str


def held_view(held: Held, profile: Profile, agreed: Collection[str] = ()) -> HeldView:
    """Return what the page says of one table. `agreed`: what the person consents to now, which lets others read some."""
    store = held.store
    return HeldView(
        id=store.model.__tablename__,
        title=store.title,
        count=format_decimal(held.count),
        size=size(held.size),
        holds=_sentence(store.holds),
        why=_sentence(store.why),
        basis=_basis(store.basis),
        expiry=_expiry(held, profile),
        since=held.oldest,
        next_to_go=held.next_to_go,
        sealed=held.sealed,
        readers="; ".join(words for under, words in store.read_by.items() if not under or under in agreed),
    )


def sum_view(everything: Sequence[Held]) -> SumView:
    there = [held for held in everything if held.count]
    going = sorted((held.next_to_go, held.store.title) for held in there if held.next_to_go is not None)
    number = sum(held.count for held in there)
    return SumView(
        count=format_decimal(number),
        number=number,
        size=size(sum(held.size for held in there)),
        categories=len(there),
        next_title=going[0][1] if going else "",
        next_at=going[0][0] if going else None,
    )


def act_views(entries: Iterable[AuditEntry]) -> list[ActView]:
    return [
        ActView(at=one.at, act=_sentence(one.act.replace("-", " ").replace("_", " ")), by=one.by, reason=one.reason)
        for one in entries
    ]


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    if count < 1000:
        return ngettext("%(num)d byte", "%(num)d bytes", count)
    if count < 1_000_000:
        return _("%(size)s KB", size=format_decimal(round(count / 1000, 1)))
    return _("%(size)s MB", size=format_decimal(round(count / 1_000_000, 1)))


def _basis(basis: Basis) -> str:
    return {
        Basis.CONSENT: _("your consent"),
        Basis.CONTRACT: _("what you asked us to do"),
        Basis.LEGAL_DUTY: _("a legal duty"),
        Basis.LEGITIMATE_INTEREST: _("a legitimate interest"),
    }[basis]


def _expiry(held: Held, profile: Profile) -> str:
    store = held.store
    if held.goes_with:
        return _("goes with what it belongs to (%(title)s)", title=held.goes_with.lower())
    if store.stays:
        return _("stays without your name after the account is gone")
    if store.expires is None and store.keep_for is None:
        return _("as long as the account")
    if held.next_to_go is not None:
        return _("each has its end; the next on %(day)s", day=format_date(held.next_to_go, "d MMMM yyyy"))
    if store.keep_for is None:
        return _("each has its own end")
    days = store.keep_for(profile).days
    return ngettext("%(num)d day each", "%(num)d days each", days)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
