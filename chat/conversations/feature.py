from flask_babel import lazy_gettext as _l

from chat.conversations import views_feedback, views_history, views_import, views_keeping, views_receipts, views_stream
from chat.conversations.exporting import conversation_files
from chat.conversations.personal_data import STORES
from chat.conversations.views import bp
from chat.kernel.feature import Feature, MenuItem

# These modules add their routes to the one blueprint when they are imported.
_ROUTES = (views_stream, views_history, views_import, views_feedback, views_keeping, views_receipts)

FEATURE = Feature(
    name="conversations",
    blueprints=(bp,),
    stores=STORES,
    menu=(
        MenuItem(label=_l("History"), endpoint="conversations.keep", consent="history"),
        MenuItem(label=_l("Import"), endpoint="conversations.choose_import", consent="history"),
    ),
    exporters=(conversation_files,),
)
