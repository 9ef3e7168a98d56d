from chat.kernel.feature import Feature
from chat.providers.cli import models
from chat.providers.current import fetch_embedded, mount_catalogue

FEATURE = Feature(name="providers", commands=(models,), init=mount_catalogue, start=fetch_embedded)
