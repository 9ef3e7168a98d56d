"""How it is protected."""

from flask_babel import gettext as _

from chat.policy.checks import programs, security
from chat.policy.promise import Promise, Section

PROMISES = (
    Promise(
        id="sec-transit",
        wording=lambda _profile: _("What travels between you, this site and a provider is encrypted on the way."),
        check=security.transit,
    ),
    Promise(
        id="sec-rest",
        wording=lambda _profile: _(
            "What is stored of your conversations is encrypted with AES-256 under a key of your own, "
            "kept apart from the database."
        ),
        applies=lambda profile: profile.features.offers("history"),
        absent="This site keeps no conversations for anybody.",
        check=security.rest,
    ),
    Promise(
        id="sec-keys",
        wording=lambda _profile: _("An API key is shown once and stored as a hash."),
        applies=lambda profile: profile.features.offers("api"),
        absent="This site has no API.",
        check=programs.keys,
    ),
    Promise(
        id="sec-passwords",
        wording=lambda _profile: _("Of a password only a hash is stored, by argon2id."),
        check=security.passwords,
    ),
    Promise(
        id="sec-internal",
        wording=lambda _profile: _(
            "Nobody who runs this site can read your conversations in it, and what they do in it is recorded."
        ),
        check=security.internal,
    ),
    Promise(
        id="sec-abuse",
        wording=lambda _profile: _(
            "How much anybody can send or try is limited, so that nobody can guess passwords or crowd others out."
        ),
        check=security.abuse,
    ),
    Promise(
        id="sec-report",
        wording=lambda _profile: _(
            "Weaknesses can be reported to an address that programs and people find, and are answered within 48 hours."
        ),
        applies=lambda profile: bool(profile.site.security_contact),
        absent="This site's profile names nobody to report weaknesses to.",
        check=security.report,
    ),
    Promise(
        id="sec-review",
        wording=lambda _profile: _("These promises are checked again and again by a program, and the result is on this page."),
        check=security.review,
    ),
)
SECTION = Section(name="security", title="How it is protected", promises=PROMISES)
