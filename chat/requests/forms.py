"""The form of a request, for people with an account and without."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectField, StringField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, Email, Length

from chat.requests.letters import LONGEST


class RequestForm(FlaskForm):
    kind = SelectField(_l("What is it about?"))
    text = TextAreaField(
        _l("Your request"),
        description=_l("The operator of this site reads what you write here. Say only what is needed to help you."),
        validators=[DataRequired(_l("Write what you ask for.")), Length(max=LONGEST)],
        render_kw={"rows": 8, "maxlength": LONGEST},
    )
    about = HiddenField(validators=[Length(max=24)])
    attach = BooleanField(_l("Attach the answer that failed"))
    submit = SubmitField(_l("Send the request"))


class GuestRequestForm(FlaskForm):
    kind = SelectField(_l("What is it about?"))
    email = StringField(
        _l("E-mail address for the answer"),
        description=_l("It is kept with your request, encrypted, and used for nothing else."),
        filters=[lambda value: value.strip() if value else value],
        validators=[DataRequired(_l("Write an address, or there is no way to answer you.")), Email(), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "email", "maxlength": 254},
    )
    text = TextAreaField(
        _l("Your request"),
        description=_l("The operator of this site reads what you write here. Say only what is needed to help you."),
        validators=[DataRequired(_l("Write what you ask for.")), Length(max=LONGEST)],
        render_kw={"rows": 8, "maxlength": LONGEST},
    )
    submit = SubmitField(_l("Send the request"))
