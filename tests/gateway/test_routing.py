"""A name that stands for several models: who is asked when one fails, and that no demand is ever forgotten on the way."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from chat.gateway.keys import Terms
from chat.inference.relay import ApiCall, relay
from chat.inference.ways import Asked
from chat.kernel import clock as kernel_clock
from chat.kernel.errors import Problem
from chat.kernel.site import current_site
from chat.metering.budgets import Budget
from chat.metering.current import current_clerk, current_pulse
from chat.providers.base import Cancel
from chat.providers.catalogue import Model
from chat.providers.cooling import Cooling
from chat.providers.current import current_catalogue
from chat.providers.demands import Demands
from chat.providers.passing import Protocol
from tests.browser import Browser
from tests.conftest import MakeApp
from tests.fakes import FakeProvider
from tests.gateway.conftest import KeyFor
from tests.people import People

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SCRIPTS = ("ok", "reset", "unauthorized", "bad-gateway", "rate-limited", "echo-500")
POLICIES = [(region, days, trains) for region in ("EU", "US") for days in (0, 30) for trains in (False, True)]


@pytest.fixture
def app(make_app: MakeApp, fake: FakeProvider) -> Flask:
    """Eight providers that differ in what they declare, each with the same models: `EU-0-no-ok` is one."""
    routes = [
        {"name": "steady", "models": [{"id": "US-30-no-reset"}, {"id": "US-30-no-ok"}, {"id": "EU-0-no-ok"}]},
        {"name": "down", "models": [{"id": "US-30-no-reset"}, {"id": "EU-0-no-rate-limited"}]},
        {"name": "drawn", "models": [{"id": "US-30-no-ok", "weight": 0}, {"id": "EU-0-no-ok", "weight": 1}]},
    ]
    routes = [one | {"models": [model | {"id": model["id"].lower()} for model in one["models"]]} for one in routes]  # type: ignore[attr-defined]
    return make_app({"providers": [_provider(fake.url, *policy) for policy in POLICIES], "routes": routes})


def _name(region: str, days: int, trains: bool) -> str:
    return f"{region}-{days}-{'yes' if trains else 'no'}".lower()


def _provider(url: str, region: str, days: int, trains: bool) -> dict[str, Any]:
    name = _name(region, days, trains)
    models = [{"id": f"{name}-{script}", "name": script, "upstream": script, "context": 8192} for script in SCRIPTS]
    policy = {
        "region": region,
        "retention_days": days,
        "trains": trains,
        "checked": date(2026, 11, 21),
        "url": "https://x.example",
    }
    return {"id": name, "name": name, "kind": "openai", "base_url": f"{url}/{name}/v1", "policy": policy, "models": models}


def ask(client: Browser, key: str, model: str, policy: str | None = None, **more: Any) -> TestResponse:
    body = {"model": model, "max_tokens": 10, "stream": True, "messages": [{"role": "user", "content": "Hi"}]} | more
    headers = {"x-api-key": key} | ({"x-candor-policy": policy} if policy is not None else {})
    return client.post("/v1/chat/completions", json=body, headers=headers)


def asked(fake: FakeProvider) -> list[str]:
    return [f"{one.path.split('/')[1]}-{one.model}" for one in fake.calls]


def test_the_next_one_is_asked_and_the_first_rests(client: Browser, fake: FakeProvider, key: str) -> None:
    answer = ask(client, key, "steady")

    assert (answer.status_code, answer.headers["x-candor-provider"]) == (200, "us-30-no")
    assert answer.text.count("[DONE]") == 1
    assert asked(fake) == ["us-30-no-reset", "us-30-no-ok"]

    assert ask(client, key, "steady").text.endswith("[DONE]\n\n")
    assert asked(fake)[2:] == ["us-30-no-ok"]


def test_whom_others_answered_for_is_counted_and_logged(client: Browser, key: str, caplog: pytest.LogCaptureFixture) -> None:
    """The caller notices nothing, and so would an operator who looks at answers alone."""
    series = 'candor_attempts_failed_total{code="provider_cut",model="us-30-no-reset",provider="us-30-no"} '
    before = _value(client, series)
    caplog.set_level("INFO", logger="chat.inference")

    assert ask(client, key, "steady").text.endswith("[DONE]\n\n")

    assert _value(client, series) == before + 1
    (line,) = [one for one in caplog.records if one.message == "attempt failed"]
    assert (line.model, line.code) == ("us-30-no-reset", "provider_cut")  # type: ignore[attr-defined]


def _value(client: Browser, series: str) -> float:
    lines = [one for one in client.get("/metrics").text.splitlines() if one.startswith(series)]
    return float(lines[0].removeprefix(series)) if lines else 0.0


def test_when_all_fail_they_are_asked_once_more(client: Browser, fake: FakeProvider, key: str) -> None:
    answer = ask(client, key, "down")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert sorted(asked(fake)) == sorted(["us-30-no-reset", "eu-0-no-rate-limited"] * 2)


def test_a_request_that_is_wrong_is_asked_once(client: Browser, fake: FakeProvider, key: str) -> None:
    assert ask(client, key, "us-30-no-unauthorized").status_code == 502
    assert len(fake.calls) == 1


def test_weights_say_who_is_first(client: Browser, fake: FakeProvider, key: str) -> None:
    for _ in range(5):
        assert ask(client, key, "drawn").status_code == 200

    assert set(asked(fake)) == {"eu-0-no-ok"}


def test_what_is_demanded_holds_for_fallbacks(client: Browser, fake: FakeProvider, key: str, key_for: KeyFor) -> None:
    assert ask(client, key, "steady", "region=eu").headers["x-candor-region"] == "EU"
    assert ask(client, key, "steady", "zero_retention, no_training").headers["x-candor-region"] == "EU"
    assert ask(client, key_for(Terms(zero_retention=True)), "steady").headers["x-candor-region"] == "EU"
    assert asked(fake) == ["eu-0-no-ok"] * 3
    refused = ask(client, key_for(Terms(regions=("US",))), "steady", "region=EU")
    assert refused.status_code == 403
    assert ask(client, key, "us-0-yes-ok").status_code == 403
    assert len(fake.calls) == 3


def test_a_site_offers_only_what_satisfies_it(make_app: MakeApp, fake: FakeProvider) -> None:
    make_app(
        {
            "providers": [_provider(fake.url, *policy) for policy in POLICIES],
            "demands": {"regions": ["eu"], "zero_retention": True},
        }
    )

    assert {one.provider_id for one in current_catalogue().list_models()} == {"eu-0-no", "eu-0-yes"}


def test_routes_are_listed_with_the_worst_of_them(client: Browser, key: str) -> None:
    listed = client.get("/v1/models", headers={"x-api-key": key}).json
    assert listed is not None
    steady = next(one for one in listed["data"] if one["id"] == "steady")
    assert (steady["region"], steady["retention_days"], steady["trains"]) == ("EU, US", 30, False)
    assert client.get("/v1/models/steady", headers={"x-api-key": key}).json == steady


names_of_all = [_name(*policy) + f"-{script}" for policy in POLICIES for script in SCRIPTS]
ids = st.sampled_from(names_of_all)
demands = st.builds(
    Demands,
    st.booleans(),
    st.sampled_from([None, 0, 7, 30]),
    st.sampled_from([None, frozenset(), frozenset({"EU"}), frozenset({"us"}), frozenset({"EU", "US"}), frozenset({"Mars"})]),
)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("chat.inference.relay._PAUSE", 0.0)
    return


@pytest.mark.usefixtures("app", "no_pause")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(ids, min_size=1, max_size=6, unique=True), all_demands=st.lists(demands, min_size=1, max_size=3))
def test_nobody_is_asked_who_does_not_declare_what_is_demanded(
    fake: FakeProvider, people: People, names: list[str], all_demands: list[Demands]
) -> None:
    catalogue = current_catalogue()
    models = [model for name in names if (model := catalogue.find_model(name))]
    together = all_demands[0]
    for one in all_demands[1:]:
        together = together.and_also(one)
    fake.calls.clear()
    allowed = [model.id for model in models if all(_declares(model, one) for one in all_demands)]

    try:
        call = _call(people.alice.id, tuple(models), together)
        b"".join(relay(call, catalogue, current_clerk(), current_pulse(), Cancel()).chunks())
        failed = False
    except Problem:
        failed = True

    assert set(asked(fake)) <= set(allowed)
    assert failed is not any(name.endswith("-ok") for name in allowed)


def _declares(model: Model, demand: Demands) -> bool:
    """The same as `Demands.why_not`, from the model's name, written another way."""
    region, days, trains, *_ = model.id.split("-")
    return (
        not (demand.no_training and trains == "yes")
        and (demand.most_retention_days is None or int(days) <= demand.most_retention_days)
        and (demand.regions is None or region in [one.lower() for one in demand.regions])
    )


def _call(account_id: int, models: tuple[Model, ...], demanded: Demands) -> ApiCall:
    fields: Any = {"model": b'"x"', "messages": b'[{"role":"user","content":"Hi"}]', "stream": b"true"}
    raw = {name: msgspec.Raw(value) for name, value in fields.items()}
    asked_for = Asked(Protocol.CHAT, raw, True, False, 3, kernel_clock.now())
    return ApiCall(
        account_id=account_id,
        key="key",
        budget=Budget(),
        demands=demanded,
        models=models,
        asked=asked_for,
        input_bytes=10,
        most_output=10,
        profile=current_site().profile,
    )


@pytest.mark.usefixtures("database")
def test_a_model_rests_longer_each_time() -> None:
    moment = 0.0
    cooling = Cooling(lambda: moment)
    for seconds in (5, 10, 20, 40, 60, 60):
        cooling.failed("a")
        moment += seconds - 0.1
        assert cooling.rests("a")
        assert cooling.last(["a", "b"]) == ["b", "a"]
        moment += 0.2
        assert not cooling.rests("a")
    cooling.answered("a")
    cooling.failed("a")
    moment += 5.1
    assert cooling.last(["a", "b"]) == ["a", "b"]
