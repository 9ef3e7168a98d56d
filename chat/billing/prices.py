"""What a model costs: integers, millionths of a US dollar for a million tokens, so that no sum is ever rounded twice."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chat.providers.catalogue import Model

_FILE = Path(__file__).with_name("prices.toml")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Millionths of a dollar for a million tokens of each kind."""

    input: int = 0
    output: int = 0
    cached_input: int | None = None

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
        """Return the cost in millionths of a dollar, rounded up: nothing that was used is free by rounding."""
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = max(0, input_tokens - cached_tokens)
        return -(-(fresh * self.input + cached_tokens * cached + output_tokens * self.output) // _MILLION)


FREE = Price()


def price_of(model: Model) -> Price:
    """Return the price of `model`: the operator's own in the profile, else the catalogue's, else nothing."""
    if model.price is not None:
        return Price(*model.price)
    return _catalogue().get((model.kind, model.upstream), FREE)


@cache
def _catalogue() -> dict[tuple[str, str], Price]:
    with _FILE.open("rb") as file:
        raw = tomllib.load(file)
    return {(kind, name): Price(**price) for kind, models in raw["models"].items() for name, price in models.items()}
