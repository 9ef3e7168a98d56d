"""The privacy policy's parts, from what this site is: its profile, its tables' declarations, its purposes, its providers."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.consent.purposes import WORDINGS, Purpose, Wording, offered
from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Address, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One table, in words: what it holds, why, on which basis, for how long."""

    holds: str
    why: str
    basis: str
    how_long: str


def holdings(stores: Iterable[Store], profile: Profile) -> list[Holding]:
    """Return what each declared table holds, those about nobody left out."""
    return [
        Holding(holds=store.holds, why=store.why, basis=_basis(store), how_long=_how_long(store, profile))
        for store in stores
        if store.owner is not None
    ]


def purposes(profile: Profile) -> list[tuple[Purpose, Wording]]:
    """Return the purposes that this site asks for, with their words."""
    return [(purpose, WORDINGS[purpose]) for purpose in offered(profile.consents.offered)]


def address_sentence(profile: Profile) -> str:
    """Return what becomes of a visitor's IP address."""
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
