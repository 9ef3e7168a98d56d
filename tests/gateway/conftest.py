"""The API in tests: a site whose models answer, on a real server, and a key of alice's."""

from collections.abc import Callable, Iterator

import pytest

from chat.gateway.keys import Terms, make_key
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.site import Site
from tests.chatting import app, fake
from tests.gateway.misbehaviour import MISBEHAVIOURS
from tests.gateway.provider import Provider
from tests.gateway.sdk import KINDS, Sdk, anthropic_sdk, openai_sdk
from tests.gateway.site import ApiSite, api_site, models
from tests.people import People

__all__ = ["app", "fake"]  # fixtures

KeyFor = Callable[[Terms], str]

# Names of models of the fake provider: what it does, and the statuses it fails with.
_NAMES = ("ok", "endless", "e400", "e401", "e404", "e429", "e500", "e529", *MISBEHAVIOURS)
_KEYS = {
    "one a minute": Terms(requests_per_minute=1),
    "embeddings only": Terms(endpoints=("embeddings",)),
    "one model": Terms(models=("gpt-ok",)),
}


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with Provider(MISBEHAVIOURS) as started:
        yield started


@pytest.fixture(scope="session")
def api(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    """One running server for all tests that only read from it."""
    profile = {"providers": models(provider.url, _NAMES)}
    with api_site("gunicorn", profile, tmp_path_factory.mktemp("api"), _KEYS, CHAT_FIRST_BYTE_SECONDS="1") as started:
        yield started


@pytest.fixture(params=KINDS)
def openai_client(request: pytest.FixtureRequest, api: ApiSite) -> Iterator[Sdk]:
    with openai_sdk(request.param, api.url, api.key) as opened:
        yield opened


@pytest.fixture(params=KINDS)
def anthropic_client(request: pytest.FixtureRequest, api: ApiSite) -> Iterator[Sdk]:
    with anthropic_sdk(request.param, api.url, api.key) as opened:
        yield opened


@pytest.fixture
def key_for(people: People, site: Site) -> KeyFor:
    """A new key of alice's, with these terms."""

    def make(terms: Terms) -> str:
        made = make_key(people.alice, "test", terms, site.api_secret, kernel_clock.now())
        db.session.commit()
        return made.key

    return make


@pytest.fixture
def key(key_for: KeyFor) -> str:
    return key_for(Terms(budget_day=10_000_000))
