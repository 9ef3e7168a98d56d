"""What may be sent where. Unknown is refused: a model without a complete policy is treated as the worst there is."""

from chat.kernel.errors import Refused
from chat.providers.catalogue import Model


class ModelRefused(Refused):
    code = "model_refused"


def check_model(model: Model) -> None:
    """Raise ModelRefused unless what the provider does with a prompt is known, and training is not part of it."""
    policy = model.policy
    if policy is None:
        raise ModelRefused("This model is not offered: it is not known what its provider keeps.")
    if policy.trains:
        raise ModelRefused("This model is not offered: its provider trains on what it is sent.")
