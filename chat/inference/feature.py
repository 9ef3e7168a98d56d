"""The door to the models, and what people demand of those behind it."""

from flask_babel import lazy_gettext as _l

from chat.inference.personal_data import STORES
from chat.inference.views import bp
from chat.kernel.feature import Feature, MenuItem

FEATURE = Feature(
    name="inference",
    blueprints=(bp,),
    stores=STORES,
    menu=(MenuItem(label=_l("Models"), endpoint="demands.show"),),
)
