"""The privacy policy's parts for its page, from what this site is: its profile, its tables' declarations, its promises."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.consent.purposes import WORDINGS, Purpose, Wording, offered
from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Address, Profile
from chat.policy.promise import Promise, Section, State
from chat.policy.reports import Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One table, in words: what it holds, why, on which basis, for how long."""

    title: str
    holds: str
    why: str
    basis: str
    how_long: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseView:
    """A promise as the page shows it. `state` is kept, failing or unchecked."""

    id: str
    words: str
    state: str
    evidence: str
    checked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    name: str
    title: str
    promises: list[PromiseView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A promise that this site does not make, and why."""

    id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How the promises stand as a whole."""

    promised: int
    kept: int
    failing: list[PromiseView]
    unchecked: int
    last: datetime | None


def sections_view(sections: Iterable[Section], profile: Profile, checked: Mapping[str, Checked]) -> list[SectionView]:
    """Return each section with the promises that this site makes, and how each was found."""
    return [
        SectionView(
            name=section.name,
            title=section.title,
            promises=[_promise(one, profile, checked.get(one.id)) for one in section.promises if one.is_offered(profile)],
        )
        for section in sections
    ]


def absent_view(sections: Iterable[Section], profile: Profile) -> list[Absent]:
    """Return the promises that this site does not make."""
    return [
        Absent(id=one.id, why=one.why_not(profile))
        for section in sections
        for one in section.promises
        if not one.is_offered(profile)
    ]


def summary(sections: Iterable[SectionView]) -> Summary:
    """Return how all of them stand."""
    every = [one for section in sections for one in section.promises]
    return Summary(
        promised=len(every),
        kept=sum(one.state == State.KEPT for one in every),
        failing=[one for one in every if one.state == State.FAILING],
        unchecked=sum(one.checked_at is None for one in every),
        last=max((one.checked_at for one in every if one.checked_at), default=None),
    )


def _promise(promise: Promise, profile: Profile, checked: Checked | None) -> PromiseView:
    # What was not offered when it was looked at was not looked at.
    found = checked if checked and checked.state is not State.NOT_OFFERED else None
    return PromiseView(
        id=promise.id,
        words=promise.wording(profile),
        state=found.state.value if found else "unchecked",
        evidence=found.evidence if found else "",
        checked_at=found.at if found else None,
    )


def holdings(stores: Iterable[Store], profile: Profile) -> list[Holding]:
    """Return what each declared table holds, those about nobody left out."""
    return [
        Holding(title=store.title, holds=store.holds, why=store.why, basis=_basis(store), how_long=_how_long(store, profile))
        for store in stores
        if store.owner is not None
    ]


def purposes(profile: Profile) -> list[tuple[Purpose, Wording]]:
    """Return the purposes that this site asks for, with their words."""
    return [(purpose, WORDINGS[purpose]) for purpose in offered(profile.consents.offered)]


def address_sentence(profile: Profile) -> str:
    """Return what becomes of a visitor's IP address, and of the country it seems to belong to."""
    if profile.collect.country:
        country = _("The country it seems to belong to is written down beside each sign-in, where it is known.")
        return f"{_of_the_address(profile)} {country}"
    return _of_the_address(profile)


def _of_the_address(profile: Profile) -> str:
    match profile.collect.address:
        case Address.NONE:
            return _("Your IP address is never written down. While you use the site it is counted in memory, to keep limits.")
        case Address.TRUNCATED:
            return _("Of your IP address only the first part is written down, so that it names a network and not you.")
        case Address.FULL:
            return _("Your IP address is written down beside each sign-in, so that you can recognise your devices.")


def _basis(store: Store) -> str:
    names = {
        Basis.CONSENT: _("your consent"),
        Basis.CONTRACT: _("what you asked us to do"),
        Basis.LEGAL_DUTY: _("a legal duty"),
        Basis.LEGITIMATE_INTEREST: _("a legitimate interest"),
    }
    return names[store.basis]


def _how_long(store: Store, profile: Profile) -> str:
    if store.goes_with is not None:
        return _("as long as what it belongs to")
    if store.keep_for is None:
        return _("as long as the account")
    days = store.keep_for(profile).days
    return ngettext("%(num)d day", "%(num)d days", days)
