"""The chat's one form. Shapes are checked here; what may be asked is decided by the services."""

from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.fields import FloatField
from wtforms.validators import Length, NumberRange, Optional

LONGEST_MESSAGE = 400_000
LONGEST_INSTRUCTIONS = 20_000


class ChatForm(FlaskForm):
    """Every act of the chat posts these; an act reads what it needs."""

    transcript = HiddenField()
    conversation = HiddenField(validators=[Length(max=24)])
    turn = HiddenField(validators=[Length(max=24)])
    partial = HiddenField(validators=[Length(max=LONGEST_MESSAGE)])
    text = TextAreaField(validators=[Length(max=LONGEST_MESSAGE)])
    files = MultipleFileField()
    model = StringField(validators=[Length(max=64)])
    instructions = TextAreaField(validators=[Length(max=LONGEST_INSTRUCTIONS)])
    temperature = FloatField(validators=[Optional(), NumberRange(min=0, max=2)])
    consent = HiddenField(validators=[Length(max=16)])


class TitleForm(FlaskForm):
    title = StringField(validators=[Length(max=200)])


class SearchForm(FlaskForm):
    query = StringField(validators=[Length(max=200)])
