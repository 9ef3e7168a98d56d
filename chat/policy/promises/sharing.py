"""Who else gets it."""

from flask_babel import gettext as _

from chat.policy.checks import asking, sharing
from chat.policy.promise import Promise, Section

PROMISES = (
    Promise(
        id="share-providers",
        wording=lambda _profile: _(
            "What you write goes to the provider of the model you chose, and you can see before you send where that is, "
            "how long it is kept there and whether models are trained on it."
        ),
        check=sharing.providers,
    ),
    Promise(
        id="share-minimal",
        wording=lambda _profile: _(
            "A provider gets your words, not you: no name, no e-mail address, no IP address, no account number."
        ),
        check=sharing.minimal,
    ),
    Promise(
        id="share-list",
        wording=lambda _profile: _("Everybody who works for this site with your data is listed on this page."),
        applies=lambda profile: bool(profile.subprocessors),
        absent="Nobody else works for this site with people's data.",
        check=sharing.listed,
    ),
    Promise(
        id="share-idp",
        wording=lambda _profile: _(
            "If you sign in through another service, that service and this site tell each other only who you are."
        ),
        applies=lambda profile: bool({"google", "github", "oidc"} & set(profile.sign_in.methods)),
        absent="Nobody signs in through another service here.",
    ),
    Promise(
        id="share-law",
        wording=lambda _profile: _(
            "If the law compels this site to hand over what it holds about you, that is recorded, and you see it "
            "unless the law forbids that too."
        ),
        check=asking.law,
    ),
    Promise(
        id="share-controller",
        wording=lambda _profile: _(
            "For an assistant that somebody published here, that person decides and this site carries out. They see counts, "
            "not what you write."
        ),
        applies=lambda profile: profile.features.offers("assistants"),
        absent="No assistants are published at this site.",
    ),
)
SECTION = Section(name="sharing", title="Who else gets it", promises=PROMISES)
