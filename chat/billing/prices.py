"""What a model costs: integers, millionths of a US dollar for a million tokens, so that no sum is ever rounded twice."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chat.providers.catalogue import Model

_FILE = Path(__file__).with_name("prices.toml")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Millionths of a dollar for a million tokens of each kind."""

    input: int = 0
    output: int = 0
    cached_input: int | None = None
    # From more input tokens than this, cached ones too, another price holds for the whole request.
    long: "tuple[int, Price] | None" = None

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
        """Return the cost in millionths of a dollar, rounded up: nothing that was used is free by rounding."""
        if self.long is not None and input_tokens > self.long[0]:
            return self.long[1].cost(input_tokens, output_tokens, cached_tokens)
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
    return {(kind, name): _price(price) for kind, models in raw["models"].items() for name, price in models.items()}


def _price(given: dict[str, Any]) -> Price:
    above = given.pop("above", None)
    return Price(**given, long=None if above is None else (above.pop("tokens"), Price(**above)))
