"""`x-candor-policy` makes demands of one request; what it does not say clearly is refused."""

from collections.abc import Iterator

import pytest
from flask import Flask

from chat.gateway.keys import Terms, make_key
from chat.gateway.policy_header import demands_of_header
from chat.gateway.requests import BadRequest
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import Site
from chat.providers.demands import Demands
from tests.browser import Browser
from tests.chatting import HERE
from tests.conftest import MakeApp
from tests.model_server import ModelServer
from tests.people import People


@pytest.mark.parametrize(
    ("text", "demands"),
    [
        (None, Demands(no_training=False)),
        ("no_training", Demands(no_training=True)),
        ("zero_retention,region=Finland", Demands(False, 0, frozenset({"Finland"}))),
        ("region=Finland, region=United States", Demands(False, None, frozenset({"Finland", "United States"}))),
    ],
)
def test_a_list_is_read(text: str | None, demands: Demands) -> None:
    assert demands_of_header(text) == demands


@pytest.mark.parametrize("text", ["", "no-training", "zero_retention;no_training", "region=", "no_training,", "retention=0"])
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        demands_of_header(text)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("header", "status"),
    [("zero_retention", 403), ("region=Finland", 403), ("region=this machine, no_training", 200), ("zero-retention", 400)],
)
def test_a_provider_that_does_not_declare_it_is_not_asked(
    client: Browser, key: str, model_server: ModelServer, header: str, status: int
) -> None:
    body = {"model": "ok", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"x-api-key": key, "x-candor-policy": header}

    answer = client.post("/v1/chat/completions", json=body, headers=headers)

    assert answer.status_code == status
    assert len(model_server.bodies) == (1 if status == 200 else 0)


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def app(make_app: MakeApp, model_server: ModelServer) -> Flask:
    """A site whose one provider keeps what it is sent for thirty days."""
    policy = {**HERE, "retention_days": 30}
    model = {"id": "ok", "name": "Ok", "upstream": "ok"}
    provider = {"id": "open", "name": "Open", "kind": "openai", "base_url": f"{model_server.url}/v1", "policy": policy}
    return make_app({"providers": [provider | {"models": [model]}], "features.api": True})


@pytest.fixture
def key(people: People, site: Site) -> str:
    made = make_key(people.alice, "test", Terms(), site.api_secret, clock.now())
    db.session.commit()
    return made.key
