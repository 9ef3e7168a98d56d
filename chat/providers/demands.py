"""What somebody demands of whoever is asked: no training, certain regions, days of retention at most. Unknown is refused.

Demands come from the site, the key and the request; each can only make them stricter.
"""

from dataclasses import dataclass

from chat.kernel.profile import DemandsOfSite
from chat.providers.data_policy import DataPolicy


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

    def why_not(self, policy: DataPolicy | None) -> str | None:
        """Return why a model with this policy may not be asked, or None."""
        if policy is None:
            return "it is not known what its provider keeps"
        if self.no_training and policy.trains:
            return "its provider trains on what it is sent"
        if self.most_retention_days is not None and policy.retention_days > self.most_retention_days:
            return f"its provider {policy.keeps}, and at most {self.most_retention_days} days are allowed"
        if self.regions is not None and policy.region.casefold() not in {one.casefold() for one in self.regions}:
            return f"it runs in {policy.region}, which is not among the allowed regions"
        return None


def demands_of_site(site: DemandsOfSite) -> Demands:
    """Return what the profile demands of every provider, and that none trains, which is demanded always."""
    return Demands(
        no_training=True,
        most_retention_days=0 if site.zero_retention else None,
        regions=frozenset(site.regions) if site.regions else None,
    )
