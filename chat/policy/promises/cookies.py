"""Cookies."""

from flask_babel import gettext as _

from chat.kernel.profile import CookieKind, Profile
from chat.policy.checks import consents, cookies
from chat.policy.promise import Promise, Section


def _has_choice(profile: Profile) -> bool:
    return set(profile.cookies.kinds) != {CookieKind.ESSENTIAL}


PROMISES = (
    Promise(
        id="cookie-essential",
        wording=lambda _profile: _(
            "Unless you choose more, there is one cookie, for your session and the safety of forms. "
            "No page asks anything of anybody else."
        ),
        check=cookies.essential,
    ),
    Promise(
        id="cookie-session",
        wording=lambda _profile: _(
            "That cookie ends when you close the browser, unless you ask to stay signed in. "
            "Signing out ends the session on the server."
        ),
        check=cookies.session,
    ),
    Promise(
        id="cookie-choice",
        wording=lambda _profile: _(
            "Other kinds of cookies are set only after you chose them, one by one, and you can choose again."
        ),
        applies=_has_choice,
        absent="This site has no other cookies to choose.",
        check=consents.cookie_choice,
    ),
)
SECTION = Section(name="cookies", title="Cookies", promises=PROMISES)
