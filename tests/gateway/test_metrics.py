"""`/metrics` tells how models and providers do, and nothing about anybody."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chat.gateway.keys import Terms, make_key
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import Site
from chat.metering.current import current_clerk
from tests.browser import Browser
from tests.people import People

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
WORDS = "aardvarks-in-the-attic"


def test_rates_times_tokens_and_failures_by_model_and_provider(client: Browser, people: People, site: Site) -> None:
    key, before = _key(people, site), _read(client)

    for model in ("ok", "echo-500"):
        _ask(client, key, model)

    after = _read(client)
    assert current_clerk().flush()
    grown = {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}
    here = (("model", "ok"), ("provider", "fake"))
    assert grown["candor_answers_total", (*here, ("status", "done"))] == 1
    assert grown["candor_tokens_total", (("direction", "in"), *here)] == 9
    assert grown["candor_tokens_total", (("direction", "out"), *here)] == 4
    assert grown["candor_first_token_seconds_count", here] == 1
    assert grown["candor_answer_seconds_count", (*here, ("status", "done"))] == 1
    failures = {name: value for name, value in grown.items() if name[0] == "candor_failures_total"}
    assert list(failures.values()) == [1]
    assert dict(next(iter(failures))[1])["model"] == "echo-500"


def test_nobody_and_nothing_said_is_in_them(client: Browser, people: People, site: Site) -> None:
    key = _key(people, site)
    _ask(client, key, "echo-500")

    text = client.get("/metrics").text

    for secret in (WORDS, key, key[3:11], people.alice.email, people.alice.public_id):
        assert secret not in text
    labels = {name for one in text_string_to_metric_families(text) for sample in one.samples for name in sample.labels}
    assert not labels & {"account", "key", "person", "address", "email"}


def _key(people: People, site: Site) -> str:
    made = make_key(people.alice, "test", Terms(), site.api_secret, clock.now())
    db.session.commit()
    return made.key


def _ask(client: Browser, key: str, model: str) -> None:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": WORDS}]}
    client.post("/v1/chat/completions", json=body, headers={"x-api-key": key}).get_data()


def _read(client: Browser) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}
