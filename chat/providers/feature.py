from chat.kernel.feature import Check, Feature
from chat.providers.cli import models
from chat.providers.current import engine_state, get_ready, mount_catalogue
from chat.providers.views import bp

FEATURE = Feature(
    name="providers",
    blueprints=(bp,),
    commands=(models,),
    checks=(Check(name="engine", run=engine_state),),
    init=mount_catalogue,
    start=get_ready,
)
