from chat.kernel.feature import Feature
from chat.metering.personal_data import STORES

FEATURE = Feature(name="metering", stores=STORES)
