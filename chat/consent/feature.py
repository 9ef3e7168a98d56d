from flask_babel import lazy_gettext as _

from chat.consent.exporting import consents_file
from chat.consent.personal_data import STORES
from chat.consent.views import bp
from chat.kernel.feature import Feature, MenuItem

FEATURE = Feature(
    name="consent",
    blueprints=(bp,),
    stores=STORES,
    exporters=(consents_file,),
    menu=(MenuItem(label=_("Privacy"), endpoint="consent.show"),),
)
