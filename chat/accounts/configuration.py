"""What of Flask-Security is on at this site, and what people read from it."""

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from chat.kernel import clock
from chat.kernel.access import SUDO_MINUTES
from chat.kernel.site import Site


def configuration(site: Site) -> dict[str, object]:
    """Return the settings of Flask-Security for this site."""
    sends_mail = site.settings.mail_url is not None
    return {
        "SECURITY_REGISTERABLE": site.profile.sign_in.is_open,
        # Without a mail server nobody could confirm anything.
        "SECURITY_CONFIRMABLE": sends_mail,
        "SECURITY_RECOVERABLE": True,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_CHANGE_EMAIL": True,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_TRACKABLE": False,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_DATETIME_FACTORY": clock.now,
        "SECURITY_CLI_USERS_NAME": None,
        "SECURITY_CLI_ROLES_NAME": None,
        "SECURITY_STATIC_FOLDER": None,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_LOGOUT_CSRF": True,
        # The default writes `private=True, no-store=True`, which means nothing to a browser.
        "SECURITY_CACHE_CONTROL": {"private": None, "no-store": None},
        "SECURITY_FRESHNESS": timedelta(minutes=SUDO_MINUTES),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
        "SECURITY_FRESHNESS_ALLOW_AUTH_TOKEN": False,
        "SECURITY_PASSWORD_LENGTH_MIN": 10,
        "SECURITY_PASSWORD_CONFIRM_REQUIRED": False,
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        # OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__memory_cost": 19456,
            "argon2__time_cost": 2,
            "argon2__parallelism": 1,
        },
        # Plain argon2 without a pepper. With one, losing the site's secret would end every password, and no other
        # software could ever check the hashes; a thief of the whole machine would have the pepper anyway.
        "SECURITY_PASSWORD_SINGLE_HASH": {"argon2"},
        # What a mailed link carries a hash of is the account's address or the hash of its password, inside what is signed.
        # The library's default works on that for half a second of pure Python, during which nobody else is answered.
        "SECURITY_HASHING_SCHEMES": ["ldap_salted_sha256"],
        # No DNS look-up while somebody registers: it fails offline and tells a resolver who comes here. Sites on a local
        # network have addresses like ana@nas.local.
        "SECURITY_EMAIL_VALIDATOR_ARGS": {
            "check_deliverability": False,
            "globally_deliverable": site.settings.is_public,
        },
        "SECURITY_EMAIL_HTML": False,
        "SECURITY_CHANGE_URL": "/settings/security/password",
        "SECURITY_CHANGE_EMAIL_URL": "/settings/profile/email",
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/",
        "SECURITY_POST_REGISTER_VIEW": "security.login" if sends_mail else "/",
        "SECURITY_POST_CHANGE_VIEW": "accounts.security",
        "SECURITY_POST_CHANGE_EMAIL_VIEW": "security.login",
        "SECURITY_CHANGE_EMAIL_ERROR_VIEW": "/",
        "SECURITY_REGISTER_EMAIL_TEMPLATE": "mail/welcome",
        "SECURITY_REGISTER_EMAIL_EXISTING_TEMPLATE": "mail/known_already",
        "SECURITY_EMAIL_TEMPLATE_CONFIRM": "mail/confirm",
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET": "mail/reset",
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE": "mail/password_changed",
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE": "mail/password_changed",
        "SECURITY_CHANGE_EMAIL_EMAIL_TEMPLATE": "mail/new_address",
        "SECURITY_EMAIL_SUBJECT_REGISTER": _l("Your account"),
        **_sentences(sends_mail=sends_mail),
    }


def _sentences(*, sends_mail: bool) -> dict[str, object]:
    """What people read. The same for addresses that have an account and for those that have none."""
    on_its_way = (
        _l("If that address can be used here, a mail with a link is on its way to it.")
        if sends_mail
        else _l("This site sends no mail. If that address can be used here, its operator now sees a link on the console.")
    )
    return {
        "SECURITY_MSG_GENERIC_AUTHN_FAILED": (_l("That e-mail address and password do not belong together."), "error"),
        "SECURITY_MSG_EMAIL_NOT_PROVIDED": (_l("Write your e-mail address."), "error"),
        "SECURITY_MSG_INVALID_EMAIL_ADDRESS": (_l("That does not look like an e-mail address."), "error"),
        "SECURITY_MSG_PASSWORD_NOT_PROVIDED": (_l("Write a password."), "error"),
        "SECURITY_MSG_RETYPE_PASSWORD_MISMATCH": (_l("That is not the same password as above."), "error"),
        "SECURITY_MSG_CONFIRM_REGISTRATION": (on_its_way, "success"),
        "SECURITY_MSG_CONFIRMATION_REQUEST": (on_its_way, "info"),
        "SECURITY_MSG_PASSWORD_RESET_REQUEST": (on_its_way, "info"),
        "SECURITY_MSG_CHANGE_EMAIL_SENT": (on_its_way, "success"),
        "SECURITY_MSG_UNAUTHENTICATED": (_l("Please sign in to see that page."), "info"),
        "SECURITY_MSG_REAUTHENTICATION_REQUIRED": (_l("Please enter your password once more to go on."), "info"),
        "SECURITY_MSG_CHANGE_EMAIL_CONFIRMED": (_l("Your e-mail address is changed. Please sign in again."), "success"),
        "SECURITY_MSG_PASSWORD_RESET_NO_LOGIN": (_l("Your password is changed. Please sign in with it."), "success"),
        "SECURITY_MSG_PASSWORD_CHANGE": (_l("Your password is changed. All other devices are signed out."), "success"),
        "SECURITY_MSG_API_ERROR": (_l("That link is not valid, or was used already."), "error"),
        "SECURITY_MSG_INVALID_CONFIRMATION_TOKEN": (_l("That link is not valid, or was used already."), "error"),
        "SECURITY_MSG_INVALID_RESET_PASSWORD_TOKEN": (_l("That link is not valid, or was used already."), "error"),
    }
