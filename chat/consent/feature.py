from flask_babel import lazy_gettext as _

from chat.consent.personal_data import STORES
from chat.consent.views import bp
from chat.kernel.feature import Feature, MenuItem

FEATURE = Feature(
    name="consent",
    blueprints=(bp,),
    stores=STORES,
    menu=(MenuItem(label=_("Privacy"), endpoint="consent.show"),),
)
