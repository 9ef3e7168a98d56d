"""Form fields that several features have."""

from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget


class ChoicesField(SelectMultipleField):
    """Any number of boxes to tick. What none of them ticked means is for its form to say."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()
