"""The forms around accounts. Those of Flask-Security are narrowed to what this site asks for."""

from collections.abc import Iterable
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
from wtforms.validators import DataRequired, Length, Optional, Regexp

from chat.kernel.profile import ProfileField
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
        self.is_old_enough.label.text = _("I am at least %(age)s years old", age=current_site().profile.law.minimum_age)


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


def _detail(label: str, autocomplete: str, *validators: Any) -> StringField:
    return StringField(
        label,
        description=_l("You may leave this empty."),
        filters=[_squeezed],
        validators=[Optional(), Length(max=200), *validators],
        render_kw={"autocomplete": autocomplete, "maxlength": 200},
    )


class ProfileForm(FlaskForm):
    """The name, and of the optional fields those that the site has room for."""

    display_name = _display_name()
    company = _detail(_l("Company"), "organization")
    job_title = _detail(_l("What you do there"), "organization-title")
    website = _detail(
        _l("Website"), "url", Regexp(r"https?://[^\s/]+\.\S+$", message=_l("Write an address like https://example.org."))
    )
    submit = SubmitField(_l("Save"))

    def __init__(self, fields: Iterable[ProfileField], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shown = tuple(fields)
        for field in set(ProfileField) - set(self.shown):
            del self[field.value]

    @property
    def details(self) -> dict[ProfileField, str]:
        """What was filled in, by field."""
        return {field: self[field.value].data or "" for field in self.shown}
