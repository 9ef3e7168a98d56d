from chat.kernel.feature import Feature
from chat.providers.cli import models
from chat.providers.current import fetch_embedded, mount_catalogue
from chat.providers.views import bp

FEATURE = Feature(name="providers", blueprints=(bp,), commands=(models,), init=mount_catalogue, start=fetch_embedded)
