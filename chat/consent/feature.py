from flask_babel import lazy_gettext as _

from chat.consent import views, views_cookies, views_receipts
from chat.consent.exporting import consents_file
from chat.consent.personal_data import STORES
from chat.kernel.feature import Feature, MenuItem

FEATURE = Feature(
    name="consent",
    blueprints=(views.bp, views_receipts.bp, views_cookies.bp),
    stores=STORES,
    exporters=(consents_file,),
    menu=(MenuItem(label=_("Privacy"), endpoint="consent.show"),),
    init=views_cookies.keep_cookies_in_step,
)
