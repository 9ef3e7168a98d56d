"""Storage and consent: the heart."""

from flask_babel import gettext as _

from chat.kernel.profile import Profile
from chat.policy.checks import consents, improvement, storage
from chat.policy.promise import Promise, Section


def _default(_profile: Profile) -> str:
    return _(
        "Messages, files and answers are not stored. They pass through the memory of this site and are in no database, "
        "log, cache or temporary file, also when something fails."
    )


def _no_training(profile: Profile) -> str:
    if "improvement" in profile.consents.offered:
        return _(
            "What you write is never sold, and used to train a model only if you gave it for that. A provider that would train "
            "on it is not asked."
        )
    return _("What you write is never sold and never used to train a model. A provider that would train on it is not asked.")


PROMISES = (
    Promise(id="store-default", wording=_default, check=storage.default),
    Promise(
        id="store-optin",
        wording=lambda _profile: _(
            "Conversations are kept only after you switch that on for your account. Switching it off stops it at once."
        ),
        applies=lambda profile: profile.features.offers("history"),
        absent="This site keeps no conversations for anybody.",
        check=storage.optin,
    ),
    Promise(
        id="improve-optin",
        wording=lambda _profile: _(
            "Conversations are used to improve the service only after a consent of its own, off by default."
        ),
        applies=lambda profile: "improvement" in profile.consents.offered,
        absent="This site uses no conversation to improve anything, and asks nobody for it.",
        check=improvement.optin,
    ),
    Promise(
        id="debug-optin",
        wording=lambda profile: _(
            "When an answer fails, your message is kept for finding the fault only if you agreed, "
            "encrypted, for %(days)d days.",
            days=profile.retention.diagnostics,
        ),
        applies=lambda profile: "diagnostics" in profile.consents.offered,
        absent="This site keeps no failed message, and asks nobody for it.",
        check=improvement.diagnostics,
        travels=True,
    ),
    Promise(
        id="no-training",
        wording=_no_training,
        check=storage.no_training,
    ),
    Promise(
        id="consent-record",
        wording=lambda _profile: _(
            "Each consent and each withdrawal is recorded: what for, the exact words, and when. An altered record shows."
        ),
        applies=lambda profile: bool(profile.consents.offered),
        absent="This site asks for no consent.",
        check=consents.record,
    ),
    Promise(
        id="consent-withdraw",
        wording=lambda _profile: _(
            "Withdrawing is one press, as agreeing is. It takes effect at once, and what was stored is deleted "
            "unless you choose otherwise."
        ),
        applies=lambda profile: bool(profile.consents.offered),
        absent="This site asks for no consent.",
        check=consents.withdraw,
    ),
    Promise(
        id="consent-separate",
        wording=lambda _profile: _(
            "Each purpose is asked for by itself, unticked, and saying no to all of them costs you nothing else."
        ),
        check=consents.separate,
    ),
)
SECTION = Section(name="storage", title="What is stored, and with whose consent", promises=PROMISES)
