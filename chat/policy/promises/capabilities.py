"""What the site offers."""

from flask_babel import gettext as _

from chat.policy.checks import asking, capabilities, programs
from chat.policy.promise import Promise, Section

PROMISES = (
    Promise(
        id="cap-chat",
        wording=lambda _profile: _("You can chat with every model that is listed, with scripts and without."),
        check=capabilities.chat,
    ),
    Promise(
        id="cap-api",
        wording=lambda _profile: _("Programs can use the models through an API."),
        applies=lambda profile: profile.features.offers("api"),
        absent="This site has no API.",
        check=programs.capability,
    ),
    Promise(
        id="cap-credits",
        wording=lambda _profile: _("You can buy credits, spend them by the token, and see each use."),
        applies=lambda profile: profile.features.offers("billing"),
        absent="Nothing can be bought at this site.",
    ),
    Promise(
        id="cap-pay",
        wording=lambda _profile: _("You pay through a certified processor and get a receipt by mail."),
        applies=lambda profile: profile.features.offers("billing"),
        absent="Nothing can be bought at this site.",
    ),
    Promise(
        id="cap-signin",
        wording=lambda _profile: _("You can sign in with a password."),
        applies=lambda profile: "password" in profile.sign_in.methods,
        absent="Nobody signs in with a password here.",
        check=capabilities.sign_in,
    ),
    Promise(
        id="cap-builder",
        wording=lambda _profile: _("You can build an assistant and publish it."),
        applies=lambda profile: profile.features.offers("assistants"),
        absent="No assistants are published at this site.",
    ),
    Promise(
        id="cap-support",
        wording=lambda _profile: _("You can ask for help."),
        applies=lambda profile: profile.features.offers("support"),
        absent="This site has no support form.",
        check=asking.support,
    ),
)
SECTION = Section(name="capabilities", title="What the site offers", promises=PROMISES)
