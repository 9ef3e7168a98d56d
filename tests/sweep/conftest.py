"""The running systems that are swept: the real server, on either database, logging as much as it can."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat.policy.sweep import Canary, Hit, sweep
from tests.chatting import providers
from tests.databases import Postgres
from tests.fakes import FakeProvider
from tests.profiles import write_profile
from tests.servers import Server, running

Swept = Callable[[Canary], list[Hit]]
ASKED = ["history", "improvement", "diagnostics"]
GENEROUS = {"limits.guest_messages": "100000/hour", "limits.account_messages": "100000/hour", "limits.sign_in": "10000/minute"}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


@pytest.fixture(scope="module", params=["flask, SQLite", "gunicorn, PostgreSQL"])
def server(request: pytest.FixtureRequest, fake: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = settings_with(fake, tmp_path_factory.mktemp("profile"))
    if request.param.startswith("flask"):
        with running("flask", settings) as started:
            yield started
        return
    postgres = request.getfixturevalue("postgres")
    url = postgres.create()
    with running("gunicorn", settings | {"DATABASE_URL": url}) as started:
        yield started
    postgres.drop(url)


@pytest.fixture
def swept(request: pytest.FixtureRequest, server: Server) -> Swept:
    """`swept(canary)` reads every folder that the system writes to; on PostgreSQL the database's own too."""
    if "DATABASE_URL" not in server.environment:
        return lambda canary: sweep(canary, server.folder)
    postgres: Postgres = request.getfixturevalue("postgres")

    def both(canary: Canary) -> list[Hit]:
        postgres.flush()
        return sweep(canary, server.folder, postgres.folder)

    return both


def settings_with(fake: FakeProvider, folder: Path) -> dict[str, str]:
    profile = write_profile(folder / "profile.toml", GENEROUS | {"providers": providers(fake.url), "consents.offered": ASKED})
    return {"CHAT_PROFILE": str(profile), "CHAT_LOG_LEVEL": "DEBUG", "CHAT_FIRST_BYTE_SECONDS": "2"}
