"""The forms around accounts. Those of Flask-Security are narrowed to what this site asks for."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security.change_email import ChangeEmailForm
from flask_security.forms import (
    ChangePasswordForm,
    ForgotPasswordForm,
    LoginForm,
    RegisterFormV2,
    ResetPasswordForm,
    SendConfirmationForm,
    VerifyForm,
)
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField, SubmitField
from wtforms.validators import DataRequired, Length

from chat.kernel.site import current_site


def _squeezed(value: str | None) -> str | None:
    return " ".join(value.split()) if value else value


def _display_name() -> StringField:
    return StringField(
        _l("Name"),
        description=_l("What this site calls you. It need not be your real name."),
        filters=[_squeezed],
        validators=[DataRequired(_l("Write a name, any name.")), Length(max=80)],
        render_kw={"autocomplete": "nickname", "maxlength": 80},
    )


class SignInForm(LoginForm):
    # Not Flask-Login's eternal "remember" cookie: the session itself lasts longer, and its row on the server with it.
    remember = None
    keep_signed_in = BooleanField(_l("Keep me signed in on this device for 30 days"))
    submit = SubmitField(_l("Sign in"))


class RegistrationForm(RegisterFormV2):
    display_name = _display_name()
    # A statement, not a birth date: nothing about age is stored.
    is_old_enough = BooleanField(validators=[DataRequired(_l("This site is not for younger people."))])
    submit = SubmitField(_l("Create account"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if age := current_site().profile.law.minimum_age:
            self.is_old_enough.label.text = _("I am at least %(age)s years old", age=age)
        else:
            del self.is_old_enough


class ForgottenForm(ForgotPasswordForm):
    submit = SubmitField(_l("Send me a link"))


class ResetForm(ResetPasswordForm):
    submit = SubmitField(_l("Set this password"))


class ConfirmationForm(SendConfirmationForm):
    submit = SubmitField(_l("Send the link again"))


class NewPasswordForm(ChangePasswordForm):
    submit = SubmitField(_l("Change password"))


class NewAddressForm(ChangeEmailForm):
    submit = SubmitField(_l("Send a link to the new address"))


class AgainForm(VerifyForm):
    submit = SubmitField(_l("Continue"))


class FollowLinkForm(FlaskForm):
    """One button: a mailed link acts when a person presses it, not when a mail scanner opens it."""


class ProfileForm(FlaskForm):
    display_name = _display_name()
    submit = SubmitField(_l("Save"))
