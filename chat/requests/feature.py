"""Requests: what people ask of the operator, by when it is due, and the answer."""

from flask_babel import lazy_gettext as _l

from chat.kernel.feature import Feature, MenuItem
from chat.requests.cli import requests
from chat.requests.personal_data import STORES
from chat.requests.readings import list_readings
from chat.requests.views import bp

FEATURE = Feature(
    name="requests",
    blueprints=(bp,),
    stores=STORES,
    commands=(requests,),
    readings=list_readings,
    menu=(MenuItem(label=_l("Requests"), endpoint="requests.listing"),),
)
