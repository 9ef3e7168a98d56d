"""Diagnostics: what failed, kept for those who agreed to that. The door calls it; people read and delete what is theirs."""

from flask_babel import lazy_gettext as _l

from chat.diagnostics.personal_data import STORES
from chat.diagnostics.readings import list_readings
from chat.diagnostics.views import bp
from chat.kernel.feature import Feature, MenuItem

FEATURE = Feature(
    name="diagnostics",
    blueprints=(bp,),
    stores=STORES,
    readings=list_readings,
    menu=(MenuItem(label=_l("Failed answers"), endpoint="diagnostics.listing", consent="diagnostics"),),
)
