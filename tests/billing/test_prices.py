"""What a request costs: in integers, by the price of its model, and of its length where that matters."""

import pytest

from chat.billing.prices import Price, price_of
from chat.kernel.profile import PROFILES, load_profile
from chat.kernel.settings import load_settings
from chat.providers.catalogue import Catalogue, Model


def test_a_cost_is_rounded_up_once() -> None:
    assert Price(input=1, output=1).cost(1, 0) == 1
    assert Price(input=1_500_000, output=0).cost(3, 0) == 5
    assert Price(input=2_000_000, output=10_000_000, cached_input=100_000).cost(1000, 200, 600) == 2860
    assert Price().cost(10**9, 10**9) == 0


def test_a_long_request_has_its_own_price_for_all_of_it() -> None:
    price = Price(input=100_000, output=500_000, long=(100_000, Price(input=500_000, output=2_500_000)))

    assert price.cost(100_000, 1_000) == 10_500
    assert price.cost(100_001, 1_000) == 52_501


@pytest.mark.parametrize("name", sorted(path.stem for path in PROFILES.glob("*.toml")))
def test_every_model_that_costs_money_has_a_price(name: str) -> None:
    keys = {"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "x"}
    catalogue = Catalogue(load_profile(name), load_settings(chat_embedded_model="off"), keys)

    paid = [one for one in catalogue.list_models() if one.kind in ("openai", "anthropic")]

    assert paid
    assert not [one.id for one in paid if _is_free(one)]


def _is_free(model: Model) -> bool:
    return price_of(model).cost(1_000_000, 1_000_000) == 0
