"""One fake provider and both clients of it, with time-outs that a test can wait for; and the real engine's weights."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat.providers.anthropic import AnthropicProvider
from chat.providers.base import Provider
from chat.providers.letterhead import Letterheads
from chat.providers.openai import OpenAIProvider
from chat.providers.transport import Deadlines, Transport
from tests.fakes import FakeProvider

Connect = Callable[..., Provider]
_SHORT = Deadlines(connect=1, first_byte=0.6, idle=0.3)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture(params=["openai", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def letterheads(tmp_path: Path) -> Letterheads:
    return Letterheads(tmp_path)


@pytest.fixture
def connect(protocol: str, letterheads: Letterheads) -> Connect:
    """Make a provider that speaks the test's protocol."""

    def make(url: str, *, authorities: str | None = None, deadlines: Deadlines = _SHORT) -> Provider:
        transport = Transport(deadlines, authorities=authorities)
        if protocol == "openai":
            return OpenAIProvider(letterheads.write("openai", f"{url}/v1", "sesame"), transport)
        return AnthropicProvider(letterheads.write("anthropic", url, "sesame"), transport)

    return make


@pytest.fixture
def provider(fake: FakeProvider, connect: Connect) -> Provider:
    return connect(fake.url)
