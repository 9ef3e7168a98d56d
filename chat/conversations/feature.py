from chat.conversations import views_feedback, views_history, views_stream
from chat.conversations.personal_data import STORES
from chat.conversations.views import bp
from chat.kernel.feature import Feature

# These modules add their routes to the one blueprint when they are imported.
_ROUTES = (views_stream, views_history, views_feedback)

FEATURE = Feature(
    name="conversations",
    blueprints=(bp,),
    stores=STORES,
)
