from chat.analytics.cli import analytics
from chat.analytics.personal_data import STORES
from chat.analytics.views import count_pages
from chat.kernel.feature import Feature

FEATURE = Feature(name="analytics", stores=STORES, commands=(analytics,), init=count_pages)
