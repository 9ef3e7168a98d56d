"""Flask-Security, set up: the remedies it needs, and why. Each remedy has a test in tests/accounts/."""

from typing import Any

from flask import Flask, g, request, session
from flask_login import user_logged_out
from flask_login.utils import _user_context_processor
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.signals import change_email_confirmed, password_changed, password_reset, user_authenticated
from flask_security.utils import set_request_attr

from chat.accounts import devices, forms, mail
from chat.accounts.configuration import configuration
from chat.accounts.hashing import Pooled
from chat.accounts.models import Account, Role
from chat.accounts.service import create_account
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.network import address_to_keep, country_to_keep
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
    app.config.update(configuration(site))
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
    # Flask-Login would load it for every template, error pages included; ours say `account`, which waits to be asked.
    app.template_context_processors[None].remove(_user_context_processor)
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
        address=address_to_keep(),
        country=country_to_keep(),
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
