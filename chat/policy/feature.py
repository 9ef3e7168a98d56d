"""The policy: what is promised, and whether it is kept."""

from chat.kernel.feature import Feature
from chat.policy.cli import privacy
from chat.policy.personal_data import STORES
from chat.policy.views import bp

FEATURE = Feature(name="policy", blueprints=(bp,), stores=STORES, commands=(privacy,))
