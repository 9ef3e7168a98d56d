"""The API's description says what the API does: each route is in it, and what is made up from it is answered as it says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import ignored_auth

from chat.gateway.keys import Terms, make_key
from chat.kernel import clock
from chat.kernel.access import Audience, audience_of
from chat.kernel.db import db
from chat.kernel.site import Site
from tests.browser import Browser
from tests.chatting import HERE
from tests.conftest import MakeApp
from tests.model_server import ModelServer
from tests.people import People
from tests.servers import serving

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
EXAMPLES = 25


def test_every_route_of_the_api_is_described_and_no_other(app: Flask, client: Browser) -> None:
    views = app.view_functions
    rules = [one for one in app.url_map.iter_rules() if audience_of(views[one.endpoint]) is Audience.API_KEY]
    there = {(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", one.rule), method) for one in rules for method in one.methods or ()}

    document = client.get("/v1/openapi.json").json
    assert document is not None
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item if method != "parameters"
    }

    assert described == {one for one in there if one[1] in ("GET", "POST")}


def test_it_is_a_valid_description(client: Browser) -> None:
    document = client.get("/v1/openapi.json").json
    assert document is not None

    assert len(list(schemathesis.openapi.from_dict(document).get_all_operations())) == len(document["paths"])


def test_what_is_made_up_from_it_is_answered_as_it_says(served: str, key: str) -> None:
    """Valid and invalid requests: no failure of the server, no status, type or form of an answer that is not described."""
    described = schemathesis.openapi.from_url(f"{served}/v1/openapi.json")
    tried: list[str] = []

    for found in described.get_all_operations():
        _try(found.ok(), served, key, tried)

    assert len(set(tried)) == 8


def _try(operation: Any, served: str, key: str, tried: list[str]) -> None:
    valid = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
    invalid = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=st.one_of(valid, invalid), names_a_model=st.booleans())
    def one(case: Any, names_a_model: bool) -> None:
        if names_a_model and isinstance(case.body, dict) and isinstance(case.body.get("model"), str) and case.body["model"]:
            case.body["model"] = "claude" if "/messages" in operation.path else "ok"
        # Without the check that sends no key: it leaves ours in. The test below does the same for each operation.
        case.call_and_validate(base_url=served, headers={"x-api-key": key}, excluded_checks=[ignored_auth])
        tried.append(operation.label)

    one()


def test_nothing_that_it_describes_answers_without_a_key(client: Browser) -> None:
    document = client.get("/v1/openapi.json").json
    assert document is not None

    answers = [
        client.open(path.replace("{model_id}", "ok").replace("{receipt_id}", "x"), method=method)
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    ]

    assert {one.status_code for one in answers} == {401}


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def app(make_app: MakeApp, model_server: ModelServer) -> Flask:
    """A site with a model of each protocol."""
    return make_app({"providers": two_providers(model_server.url), "features.api": True})


@pytest.fixture
def key(people: People, site: Site) -> str:
    made = make_key(people.alice, "test", Terms(budget_day=10**12), site.api_secret, clock.now())
    db.session.commit()
    return made.key


@pytest.fixture
def served(app: Flask, key: str) -> Iterator[str]:
    with serving(app) as url:
        yield url


def two_providers(url: str) -> list[dict[str, Any]]:
    """The `providers` of a profile: `ok` speaks OpenAI's protocols, `claude` Anthropic's."""
    model = {"context": 200_000, "longest_answer": 4096}
    return [
        {
            "id": "open",
            "name": "Open",
            "kind": "openai",
            "base_url": f"{url}/v1",
            "policy": HERE,
            "models": [{"id": "ok", "name": "Ok", "upstream": "ok"} | model],
        },
        {
            "id": "other",
            "name": "Other",
            "kind": "anthropic",
            "base_url": url,
            "policy": HERE,
            "models": [{"id": "claude", "name": "Claude", "upstream": "claude"} | model],
        },
    ]
