"""Saying it twice: what cannot be undone is confirmed by typing one's own address."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField, SubmitField, ValidationError
from wtforms.validators import DataRequired

LATER, NOW = "later", "now"


class ConfirmedForm(FlaskForm):
    """A form that takes the address of `email` for a yes."""

    confirmation = StringField(
        _l("To confirm, type your e-mail address"),
        validators=[DataRequired(_l("Type your e-mail address: that is your yes."))],
        # Not filled in by the browser: a yes must be meant.
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "maxlength": 254},
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def validate_confirmation(self, field: StringField) -> None:
        if (field.data or "").strip().lower() != self._email.lower():
            raise ValidationError(_("That is not the address of this account. Nothing was deleted."))


class EverythingForm(ConfirmedForm):
    submit = SubmitField(_l("Delete everything I keep here"))


class AccountForm(ConfirmedForm):
    when = RadioField(_l("When"), choices=[], default=LATER)
    submit = SubmitField(_l("Delete my account"))

    def __init__(self, *args: Any, days: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.when.choices = [
            (LATER, _("In %(days)s days. Until then I can sign in and change my mind.", days=days)),
            (NOW, _("Now. Nobody can bring anything back.")),
        ]
        if not days:
            del self.when

    @property
    def is_now(self) -> bool:
        return self.when is None or self.when.data == NOW
