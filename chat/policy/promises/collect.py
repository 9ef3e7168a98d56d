"""What is collected."""

from flask_babel import gettext as _

from chat.kernel.profile import Address, Profile
from chat.policy.checks import asking, collect
from chat.policy.promise import Promise, Section


def _account(profile: Profile) -> str:
    extra = profile.collect.profile_fields
    if extra:
        return _(
            "An account is an e-mail address, a name and a hash of your password. You may add %(fields)s; you need not.",
            fields=", ".join(extra),
        )
    return _("An account is an e-mail address, a name you choose and a hash of your password. Nothing else is asked.")


def _technical(profile: Profile) -> str:
    return f"{_address(profile)} {_country(profile)}"


def _country(profile: Profile) -> str:
    if profile.collect.country:
        return _("With each sign-in the country it seems to come from may be written down, as the site's own proxy tells it.")
    return _("The country you come from is not written down.")


def _address(profile: Profile) -> str:
    match profile.collect.address:
        case Address.NONE:
            return _("Your IP address is never written down. Of your browser, only its kind and system are, with each sign-in.")
        case Address.TRUNCATED:
            return _("Of your IP address only the part that names a network is written down, beside each sign-in.")
        case Address.FULL:
            return _("Your IP address is written down beside each sign-in, and nowhere else.")


PROMISES = (
    Promise(id="collect-account", wording=_account, check=collect.account),
    Promise(
        id="collect-billing",
        wording=lambda _profile: _("Card numbers never reach this site: you pay on the payment processor's own page."),
        applies=lambda profile: profile.features.offers("billing"),
        absent="Nothing can be bought at this site.",
    ),
    Promise(
        id="collect-usage",
        wording=lambda _profile: _(
            "Of each request only the facts are written down: which model, when, how large, how long, how it ended."
        ),
        check=collect.usage,
    ),
    Promise(id="collect-technical", wording=_technical, check=collect.technical),
    Promise(
        id="collect-support",
        wording=lambda _profile: _("When you ask for help, what you write there is kept with your account, and goes with it."),
        applies=lambda profile: profile.features.offers("support"),
        absent="This site has no support form.",
        check=asking.support,
    ),
    Promise(
        id="collect-content",
        wording=lambda _profile: _(
            "Your messages and files are used for one thing: to get the answer you asked for from the model you chose."
        ),
        check=collect.content,
    ),
    Promise(
        id="collect-warn",
        wording=lambda _profile: _("Where you write, you are asked not to send sensitive details of yourself or others."),
        applies=lambda profile: bool(profile.notices.sensitive_data),
        absent="This site's profile has no such notice.",
        check=collect.warn,
    ),
)
SECTION = Section(name="collect", title="What is collected", promises=PROMISES)
