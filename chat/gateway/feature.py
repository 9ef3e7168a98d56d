"""The API: keys, and the endpoints that programs call with them."""

from chat.gateway.api import bp
from chat.gateway.personal_data import STORES
from chat.gateway.views_openapi import bp as description
from chat.kernel.feature import Feature

FEATURE = Feature(name="gateway", programs=(bp, description), stores=STORES)
