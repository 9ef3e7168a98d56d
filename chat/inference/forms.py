"""What a person may demand of whoever answers them."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, SubmitField

from chat.kernel.forms import ChoicesField


class DemandsForm(FlaskForm):
    regions = ChoicesField(
        _l("Places where what you write may go"),
        description=_l(
            "A place that is not ticked gets nothing. While one is left out, so is every place that this site adds later."
        ),
    )
    zero_retention = BooleanField(
        _l("Only providers that keep nothing"),
        description=_l("A model whose provider keeps what it is sent, even for a day, is not asked."),
    )
    submit = SubmitField(_l("Choose"))

    def offer(self, regions: Sequence[str]) -> None:
        """Let these regions be chosen from."""
        self.regions.choices = [(one, one) for one in regions]
