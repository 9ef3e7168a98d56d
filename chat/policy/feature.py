from chat.kernel.feature import Feature
from chat.policy.views import bp

FEATURE = Feature(name="policy", blueprints=(bp,))
