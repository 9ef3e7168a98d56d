"""The real server with models that say what a test wants, and browser windows that fail when a page misbehaves."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.chatting import HERE
from tests.conftest import watched_tab
from tests.pages.reciter import Reciter
from tests.pages.window import Window
from tests.profiles import write_profile
from tests.servers import Server, running

OpenWindow = Callable[..., Window]
_GENEROUS = {
    "limits.guest_messages": "100000/hour",
    "limits.account_messages": "100000/hour",
    "limits.model_messages": "100000/hour",
    "limits.sign_in": "10000/minute",
}
_FAR = {
    "region": "Iceland",
    "retention_days": 30,
    "trains": False,
    "url": "https://example.org/policy",
    "checked": HERE["checked"],
}
_numbers = count(1)


@pytest.fixture(scope="module")
def reciter() -> Iterator[Reciter]:
    with Reciter() as started:
        yield started


@pytest.fixture(scope="module")
def server(reciter: Reciter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("flask", settings_with(reciter, tmp_path_factory)) as started:
        yield started


@pytest.fixture
def window(server: Server, open_window: OpenWindow) -> Window:
    """A fresh browser at the chat's page."""
    return open_window().open()


@pytest.fixture
def plain(server: Server, open_window: OpenWindow) -> Window:
    """The same without JavaScript."""
    return open_window(scripts=False).open()


@pytest.fixture
def open_window(server: Server, chromium: Browser) -> Iterator[OpenWindow]:
    """`open_window(scripts=False, width=360)` is a window of a fresh browser profile; more keywords are Playwright's."""
    with ExitStack() as stack:

        def opening(*, scripts: bool = True, width: int = 1280, height: int = 800, **more: Any) -> Window:
            options = {"viewport": {"width": width, "height": height}, "java_script_enabled": scripts} | more
            return Window(stack.enter_context(watched_tab(chromium, **options)), server.url, scripts)

        yield opening


@pytest.fixture
def name() -> str:
    """A name that nobody on this server has yet."""
    return f"person{next(_numbers)}"


def settings_with(reciter: Reciter, folders: pytest.TempPathFactory, changes: dict[str, Any] | None = None) -> dict[str, str]:
    """The settings of a site with three models (here, far away, one that is trained on what it is sent) and `changes`."""
    model: dict[str, object] = {"context": 200_000, "longest_answer": 4096, "upstream": "recite"}
    asked: dict[str, object] = {"kind": "openai", "base_url": reciter.url}
    providers = [
        {
            "id": "here",
            "name": "This room",
            "policy": HERE,
            **asked,
            "models": [{"id": "recite", "name": "Reciter", "images": True, **model}],
        },
        {
            "id": "far",
            "name": "Far Away",
            "policy": _FAR,
            **asked,
            "models": [{"id": "distant", "name": "Distant", **model}],
        },
        {
            "id": "learner",
            "name": "Learner",
            "policy": {**_FAR, "trains": True},
            **asked,
            "models": [{"id": "pupil", "name": "Pupil", **model}],
        },
    ]
    profile = write_profile(folders.mktemp("profile") / "profile.toml", _GENEROUS | {"providers": providers} | (changes or {}))
    return {"CHAT_PROFILE": str(profile)}
