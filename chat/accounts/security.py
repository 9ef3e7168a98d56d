"""Flask-Security, set up: which of it is on, what we changed, and why. Each remedy has a test in tests/accounts/."""

from datetime import timedelta
from typing import Any

from flask import Flask, g, request, session
from flask_babel import lazy_gettext as _l
from flask_login import user_logged_out
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.signals import change_email_confirmed, password_changed, password_reset, user_authenticated
from flask_security.utils import set_request_attr

from chat.accounts import devices, forms, mail
from chat.accounts.hashing import Pooled
from chat.accounts.models import Account, Role
from chat.accounts.service import create_account
from chat.kernel import clock
from chat.kernel.access import SUDO_MINUTES
from chat.kernel.db import db
from chat.kernel.network import address_to_keep
from chat.kernel.site import Site, current_site

_DEVICE = "device"


class Accounts(SQLAlchemyUserDatastore):
    """Flask-Security's way to the accounts: it too creates them through the one service."""

    def create_user(self, **values: Any) -> Account:
        return create_account(
            current_site().keyring,
            email=values["email"],
            display_name=values["display_name"],
            password_hash=values["password"],
            now=clock.now(),
        )


def set_up(app: Flask, site: Site) -> None:
    """Mount what this site uses of Flask-Security. CSRFProtect must have been initialised before."""
    app.config.update(_config(site))
    security = Security(
        app,
        Accounts(db, Account, Role),
        mail_util_cls=mail.Outbox,
        login_form=forms.SignInForm,
        register_form=forms.RegistrationForm,
        forgot_password_form=forms.ForgottenForm,
        reset_password_form=forms.ResetForm,
        send_confirmation_form=forms.ConfirmationForm,
        change_password_form=forms.NewPasswordForm,
        change_email_form=forms.NewAddressForm,
        verify_form=forms.AgainForm,
    )
    security.want_json(_never)
    sign_with_the_newest_key(security)
    security.pwd_context = Pooled(security.pwd_context)
    security.hashing_context = Pooled(security.hashing_context)
    # Flask-Principal would load the account on every request, static files included; nothing here asks it anything.
    app.before_request_funcs[None].remove(security.principal._on_before_request)  # noqa: SLF001  # it offers no switch
    security.login_manager.user_loader(_load)
    # No token in a header, query or JSON body signs anybody in: the API has keys of its own.
    security.login_manager.request_loader(_nobody)
    security.login_manager.session_protection = None  # the row in `device` is the protection
    app.teardown_request(_note_use)
    user_authenticated.connect(_signed_in, app)
    user_logged_out.connect(_signed_out, app)
    password_changed.connect(_password_changed, app)
    password_reset.connect(_password_reset, app)
    change_email_confirmed.connect(_address_changed, app)
    app.jinja_env.globals["mailed_link"] = mail.mailed_link


def _config(site: Site) -> dict[str, object]:
    sends_mail = site.settings.mail_url is not None
    return {
        "SECURITY_REGISTERABLE": site.profile.sign_in.registration == "open",
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


def _never(_request: object) -> bool:
    return False


def _nobody(_request: object) -> None:
    return None


def sign_with_the_newest_key(security: Security) -> None:
    # Flask-Security 5.9.2 lists the current key first; itsdangerous signs with the last one, so links would be signed with a
    # key that is being retired.
    for name, serializer in vars(security).items():
        if name.endswith("_serializer"):
            serializer.secret_keys.reverse()


def _load(uniquifier: str) -> Account | None:
    """Return the account of a session whose sign-in still stands."""
    found = devices.find_signed_in(uniquifier, session.get(_DEVICE, ""), clock.now())
    if found is None:
        return None
    account, device = found
    if device.last_used_on != clock.now().date():
        g.device_in_use = device.public_id
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return account


def _note_use(error: BaseException | None) -> None:
    # After the answer, when the request's own transaction is over: SQLite has one writer at a time.
    device = g.pop("device_in_use", None)
    if device is not None and error is None:
        devices.note_use(device, clock.now())


def _signed_in(_app: Flask, user: Account, authn_via: list[str], **_more: object) -> None:
    if "password" in authn_via:
        session.permanent = "keep_signed_in" in request.form
    device = devices.add_device(
        user,
        name=devices.name_of(request.user_agent.string),
        address=address_to_keep(request.remote_addr, current_site().profile.collect.address),
        remembered=session.permanent,
        now=clock.now(),
    )
    session[_DEVICE] = device.public_id


def _signed_out(_app: Flask, **_more: object) -> None:
    device = session.pop(_DEVICE, None)
    if device is not None:
        devices.forget(device)


def _password_changed(_app: Flask, user: Account, **_more: object) -> None:
    devices.revoke_all(user, but=session[_DEVICE])


def _password_reset(_app: Flask, user: Account, **_more: object) -> None:
    devices.revoke_all(user)


def _address_changed(app: Flask, user: Account, old_email: str, **_more: object) -> None:
    mail.post_notice_of_new_address(user, old_email)
    # Whoever holds a session or a link under the old address holds nothing now.
    app.extensions["security"].datastore.set_uniquifier(user)
    devices.revoke_all(user)


def current_device() -> str:
    """Return the public id of the sign-in behind this request."""
    device: str = session[_DEVICE]
    return device
