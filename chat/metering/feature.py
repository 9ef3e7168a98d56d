from chat.kernel.feature import Feature
from chat.metering.current import mount_clerk
from chat.metering.exporting import usage_file
from chat.metering.jobs import SETTLE
from chat.metering.personal_data import STORES
from chat.metering.views import bp

FEATURE = Feature(name="metering", blueprints=(bp,), stores=STORES, exporters=(usage_file,), jobs=(SETTLE,), init=mount_clerk)
