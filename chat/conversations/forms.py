"""What the chat's pages post. Shapes are checked here; what may be asked is decided by the services."""

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms import IntegerField, StringField
from wtforms.validators import Length, Optional

from chat.conversations.attachments import Upload
from chat.conversations.desk import Posted
from chat.kernel.errors import Problem

LONGEST_MESSAGE = 400_000
LONGEST_INSTRUCTIONS = 20_000
_HOTTEST = 2.0


@dataclass(frozen=True, slots=True)
class ChatForm:
    """What every act of the chat posts; an act reads what it needs.

    No FlaskForm: its fields refer to each other in circles, which with hundreds of streams at once was a tenth of the
    worker's time and half of what each stream weighed. The token is checked before, as for every form.
    """

    posted: Posted
    turn: str
    text: str
    consent: str
    uploads: tuple[Upload, ...]


def read_chat_form(fields: MultiDict[str, str], files: MultiDict[str, FileStorage], *, editing: bool = False) -> ChatForm:
    """Return the posted form. While `editing`, the message is that of the edited turn, which has a field of its own.

    Raises Problem when something is too long or not a number.
    """
    turn = _text(fields, "turn", 24)
    own_field = f"edit-{turn}"
    return ChatForm(
        posted=Posted(
            transcript=fields.get("transcript", ""),
            conversation=_text(fields, "conversation", 24),
            partial=_text(fields, "partial", LONGEST_MESSAGE),
            model=_text(fields, "model", 64),
            instructions=_text(fields, "instructions", LONGEST_INSTRUCTIONS) if "instructions" in fields else None,
            temperature=_temperature(fields.get("temperature", "").strip()),
        ),
        turn=turn,
        text=_text(fields, own_field if editing and own_field in fields else "text", LONGEST_MESSAGE),
        consent=_text(fields, "consent", 16),
        uploads=tuple(Upload(one.filename, one.read(), one.mimetype) for one in files.getlist("files") if one.filename),
    )


def _text(fields: MultiDict[str, str], name: str, longest: int) -> str:
    value = fields.get(name, "")
    if len(value) > longest:
        raise _wrong_shape()
    return value


def _temperature(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise _wrong_shape() from None
    if not 0 <= value <= _HOTTEST:  # not a number is not in between either
        raise _wrong_shape()
    return value


def _wrong_shape() -> Problem:
    return Problem(_("Something in the form is too long or not a number. Go back, shorten it, and send it again."))


class TitleForm(FlaskForm):
    title = StringField(validators=[Length(max=200)])


class KeepForm(FlaskForm):
    days = IntegerField(validators=[Optional()])


class SearchForm(FlaskForm):
    query = StringField(validators=[Length(max=200)])
