"""Every cookie of the site, declared once: what it is for, of which kind, for how long. The cookies page prints this list.

No other is set (tests/pages/test_cookies.py walks the site and compares), and one of an optional kind only by choice.
"""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _

from chat.kernel.profile import CookieKind, Profile

# How long a choice, and what was chosen, is remembered.
REMEMBERED_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie. The sentences are marked for translation and printed as they stand."""

    name: str
    kind: CookieKind
    holds: str
    lasts: str


SESSION = Cookie(
    name="candor",
    kind=CookieKind.ESSENTIAL,
    holds=_(
        "Your session: that you are signed in, what protects your forms from other sites, and how the pages look meanwhile."
    ),
    lasts=_("Until you close the browser or sign out; 30 days if you ask to stay signed in."),
)
CHOICE = Cookie(
    name="candor_choices",
    kind=CookieKind.ESSENTIAL,
    holds=_("Which optional cookies you said yes or no to, so that you are not asked again. Set only once you have chosen."),
    lasts=_("A year from your choice."),
)
LOOK = Cookie(
    name="candor_preferences",
    kind=CookieKind.PREFERENCE,
    holds=_("The theme and the text size you chose."),
    lasts=_("A year from the day you chose them."),
)
COOKIES = (SESSION, CHOICE, LOOK)


def cookies_of(profile: Profile) -> tuple[Cookie, ...]:
    """Return the cookies that this site may set."""
    has_choice = optional_kinds(profile) != ()
    return tuple(one for one in COOKIES if one.kind in profile.cookies.kinds and (has_choice or one is not CHOICE))


def optional_kinds(profile: Profile) -> tuple[CookieKind, ...]:
    """Return the kinds that people of this site may say yes or no to."""
    return tuple(one for one in profile.cookies.kinds if one is not CookieKind.ESSENTIAL)
