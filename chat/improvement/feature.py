"""Improvement: what people gave for it, taken out by the operator's command, listed for each person, and revocable."""

from flask_babel import lazy_gettext as _l

from chat.improvement.cli import improvement
from chat.improvement.personal_data import STORES
from chat.improvement.views import bp
from chat.kernel.feature import Feature, MenuItem

FEATURE = Feature(
    name="improvement",
    blueprints=(bp,),
    stores=STORES,
    commands=(improvement,),
    menu=(MenuItem(label=_l("Improvement"), endpoint="improvement.listing", consent="improvement"),),
)
