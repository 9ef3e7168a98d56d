"""The API: keys, and the endpoints that programs call with them."""

from flask_babel import lazy_gettext as _l

from chat.gateway import views_api_receipts, views_keys, views_openapi, views_usage
from chat.gateway.api import bp
from chat.gateway.cli import keys
from chat.gateway.personal_data import STORES
from chat.kernel.feature import Feature, MenuItem

FEATURE = Feature(
    name="gateway",
    blueprints=(views_keys.bp, views_usage.bp, views_api_receipts.bp),
    programs=(bp, views_openapi.bp),
    stores=STORES,
    commands=(keys,),
    menu=(
        MenuItem(label=_l("API keys"), endpoint="api_keys.listing"),
        MenuItem(label=_l("Usage"), endpoint="usage.show"),
    ),
)
