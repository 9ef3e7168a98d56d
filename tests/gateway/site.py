"""A real server whose API answers: a profile of models, alice's key in its database, and what it wrote down of each call."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import sqlalchemy as sa

from chat.factory import create_app
from chat.gateway.keys import Terms, make_key
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.settings import load_settings
from chat.kernel.site import current_site
from chat.metering.models import Reservation, Spending, Usage
from chat.policy.scratch.client import ONLY_HERE
from tests.chatting import HERE
from tests.people import People
from tests.profiles import write_profile
from tests.servers import Kind, Server, running

GENEROUS = {"limits.api_megabytes": 2, "limits.guest_messages": "100000/hour", "limits.account_messages": "100000/hour"}
# Prices that make each call cost something, so that a budget is spent.
PRICE = {"input": 1_000_000, "output": 2_000_000}


@dataclass(frozen=True)
class ApiSite:
    """The running server, alice's keys by name, and its database."""

    server: Server
    keys: Mapping[str, str]
    engine: sa.Engine

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def key(self) -> str:
        return self.keys["plain"]

    def http(self) -> httpx2.Client:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=20, trust_env=False, verify=ONLY_HERE)

    def settled(self, count: int, seconds: float = 5) -> Sequence[Any]:
        """The newest `count` usage rows, oldest first, once nothing is under way any more."""
        rows: Sequence[Any] = ()
        by = time.monotonic() + seconds
        while time.monotonic() < by:
            with self.engine.connect() as connection:
                running = connection.scalar(sa.select(sa.func.count()).select_from(Reservation))
                rows = connection.execute(sa.select(Usage.__table__).order_by(Usage.id.desc()).limit(count)).all()
            if not running and len(rows) == count:
                return rows[::-1]
            time.sleep(0.02)
        raise AssertionError(f"{running} calls are not settled, {len(rows)} of {count} are written")

    def calls(self) -> int:
        """How many calls were written down, once nothing is under way any more."""
        self.settled(0)
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(Usage)) or 0

    def held(self) -> int:
        """What is still reserved, by every key."""
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(Spending.reserved + Spending.running), 0))) or 0


@contextmanager
def api_site(
    kind: Kind, profile: Mapping[str, Any], folder: Path, keys: Mapping[str, Terms] | None = None, **settings: str
) -> Iterator[ApiSite]:
    """Run a server with this profile. `keys` are made for alice beside the plain one."""
    path = write_profile(folder / "profile.toml", {**GENEROUS, **profile})
    with running(kind, {"CHAT_PROFILE": str(path), **settings}) as server:
        made = _make_keys(server, keys or {})
        engine = sa.create_engine(server.environment.get("DATABASE_URL", f"sqlite:///{server.instance / 'candor.sqlite'}"))
        try:
            yield ApiSite(server, made, engine)
        finally:
            engine.dispose()


def models(fake_url: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """The `providers` of a profile: each name twice, as `gpt-NAME` of OpenAI's kind and `claude-NAME` of Anthropic's."""
    kinds = (("gate", "openai", "gpt", f"{fake_url}/v1"), ("tower", "anthropic", "claude", fake_url))
    return [
        {
            "id": provider,
            "name": provider.title(),
            "kind": kind,
            "base_url": url,
            "policy": HERE,
            "models": [_model(f"{prefix}-{name}", name) for name in names],
        }
        for provider, kind, prefix, url in kinds
    ]


def _model(model_id: str, upstream: str) -> dict[str, Any]:
    numbers = {"context": 200_000, "longest_answer": 4096, "images": True, "price": PRICE}
    return {"id": model_id, "name": model_id, "upstream": upstream} | numbers


def _make_keys(server: Server, terms: Mapping[str, Terms]) -> dict[str, str]:
    """Make alice and her keys from this process, with the server's own secrets and database."""
    before = logging.getLogRecordFactory(), logging.getLogger().handlers[:], logging.getLogger().level
    names = {name.lower(): value for name, value in server.environment.items() if name.startswith(("CHAT_", "DATABASE_"))}
    app = create_app(load_settings(_env_file=None, **names))
    with app.app_context():
        site = current_site()
        alice = People(site.keyring).alice
        made = {
            name: make_key(alice, name, one, site.api_secret, clock.now()).key
            for name, one in {"plain": Terms(), **terms}.items()
        }
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
        site.keyring.close()
    # An app sets up the logs of its process, and this process is the tests'.
    logging.setLogRecordFactory(before[0])
    logging.getLogger().handlers[:] = before[1]
    logging.getLogger().setLevel(before[2])
    logging.captureWarnings(False)
    return made
