"""What a provider does with what it is sent, as sentences for the person who is about to send it."""

from dataclasses import dataclass
from datetime import date

from chat.kernel.profile import ProviderOfSite

THIS_MACHINE = "this machine"


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """Where prompts and answers go, how long they are kept there, and whether models learn from them.

    `url` leads to the provider's own terms as they were on the day `checked`; empty only where nothing leaves this machine.
    """

    region: str
    retention_days: int
    trains: bool
    url: str
    checked: date

    @property
    def stays_here(self) -> bool:
        return self.region == THIS_MACHINE

    @property
    def where(self) -> str:
        return "Runs on this machine" if self.stays_here else f"Runs in: {self.region}"

    @property
    def keeps(self) -> str:
        match self.retention_days:
            case 0:
                return "keeps nothing"
            case 1:
                return "keeps it for 1 day"
            case days:
                return f"keeps it for {days} days"

    @property
    def learns(self) -> str:
        return "trains on it" if self.trains else "does not train on it"

    @property
    def sentence(self) -> str:
        return f"{self.where}, {self.keeps}, {self.learns}."


def read_policy(provider: ProviderOfSite) -> DataPolicy | None:
    """Return the provider's policy, or None when it is not complete: what is unknown is not offered."""
    stated = provider.policy
    if stated is None or not stated.region.strip():
        return None
    url = str(stated.url) if stated.url is not None else ""
    # The catalogue checks that what claims to stay on this machine has its address here.
    if stated.region != THIS_MACHINE and not url.startswith("https://"):
        return None
    return DataPolicy(stated.region, stated.retention_days, stated.trains, url, stated.checked)
