"""What somebody demands of whoever is asked: no training, certain regions, days of retention at most. Unknown is refused.

Demands come from the site, the account, the key and the request; each can only make them stricter.
"""

from dataclasses import dataclass

from chat.inference.permission import ModelRefused
from chat.providers.catalogue import Model


@dataclass(frozen=True, slots=True)
class Demands:
    """None asks for nothing."""

    no_training: bool = True
    most_retention_days: int | None = None
    regions: frozenset[str] | None = None

    def and_also(self, other: "Demands") -> "Demands":
        """Return both together: whatever satisfies the result satisfies each."""
        days = [one for one in (self.most_retention_days, other.most_retention_days) if one is not None]
        regions = [frozenset(map(str.casefold, one)) for one in (self.regions, other.regions) if one is not None]
        return Demands(
            self.no_training or other.no_training,
            min(days) if days else None,
            frozenset.intersection(*regions) if regions else None,
        )

    def why_not(self, model: Model) -> str | None:
        """Return why `model` may not be asked, or None."""
        policy = model.policy
        if policy is None:
            return "it is not known what its provider keeps"
        if self.no_training and policy.trains:
            return "its provider trains on what it is sent"
        if self.most_retention_days is not None and policy.retention_days > self.most_retention_days:
            return f"its provider {policy.keeps}, and at most {self.most_retention_days} days are allowed"
        if self.regions is not None and policy.region.casefold() not in {one.casefold() for one in self.regions}:
            return f"it runs in {policy.region}, which is not among the allowed regions"
        return None


def check_demands(models: tuple[Model, ...], demands: Demands) -> tuple[Model, ...]:
    """Return those of `models` that may be asked, in order. Raises ModelRefused when none may; nothing has left then."""
    allowed = tuple(model for model in models if demands.why_not(model) is None)
    if not allowed:
        reasons = "; ".join(f"{model.id}: {demands.why_not(model)}" for model in models)
        raise ModelRefused(f"No provider of this model may be asked. {reasons}.")
    return allowed
