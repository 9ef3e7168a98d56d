"""The choice of optional cookies: of an account, from its ledger; of a guest, from a cookie that holds only the choice."""

from dataclasses import dataclass
from typing import Self

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.purposes import Purpose
from chat.kernel.profile import CookieKind, Profile

# The consent behind each optional kind, and its letter in the cookie.
PURPOSES = {CookieKind.PREFERENCE: Purpose.PREFERENCE_COOKIES, CookieKind.ANALYTICS: Purpose.ANALYTICS}
_LETTERS = {Purpose.PREFERENCE_COOKIES: "p", Purpose.ANALYTICS: "a"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What one browser said. A purpose that is not in it was said no to."""

    yes: frozenset[Purpose] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the choice that `str()` wrote; None if none was made."""
        parts = text.split("-")
        if parts[0] != "1":
            return None
        return cls(frozenset(one for one, letter in _LETTERS.items() if letter in parts[1:]))

    def __str__(self) -> str:
        return "-".join(["1", *sorted(_LETTERS[one] for one in self.yes)])


def asked_for(profile: Profile) -> tuple[Purpose, ...]:
    """Return the purposes of cookies that this site asks for."""
    return tuple(
        PURPOSES[kind] for kind in profile.cookies.kinds if kind in PURPOSES and PURPOSES[kind] in profile.consents.offered
    )


def may(purpose: Purpose, account: Account | None, choice: Choice | None, profile: Profile, *, has_signal: bool) -> bool:
    """Whether the person behind a request said yes to `purpose`. Their browser's signal outweighs a yes to being counted."""
    if purpose not in asked_for(profile) or (has_signal and purpose is Purpose.ANALYTICS):
        return False
    if account is not None:
        return ledger.allows(account, purpose)
    return choice is not None and purpose in choice.yes
