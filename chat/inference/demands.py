"""Which of the models that a request may go to satisfy what is demanded of them. None is a refusal: nothing has left then."""

from chat.inference.permission import ModelRefused
from chat.providers.catalogue import Model
from chat.providers.demands import Demands


def check_demands(models: tuple[Model, ...], demands: Demands) -> tuple[Model, ...]:
    """Return those of `models` that may be asked, in order. Raises ModelRefused when none may; nothing has left then."""
    allowed = tuple(model for model in models if demands.why_not(model.policy) is None)
    if not allowed:
        reasons = "; ".join(f"{model.id}: {demands.why_not(model.policy)}" for model in models)
        raise ModelRefused(f"No provider of this model may be asked. {reasons}.")
    return allowed
