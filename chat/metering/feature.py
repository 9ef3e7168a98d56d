from chat.kernel.feature import Feature
from chat.metering.personal_data import STORES
from chat.metering.views import bp

FEATURE = Feature(name="metering", blueprints=(bp,), stores=STORES)
