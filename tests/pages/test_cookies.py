"""Every cookie that a browser is given on a walk through the site is declared, and every request stays on the site."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from chat.kernel.cookies import COOKIES
from tests.conftest import watched_tab
from tests.pages.conftest import settings_with
from tests.pages.reciter import Reciter
from tests.pages.window import Window
from tests.servers import Server, running

DECLARED = {one.name for one in COOKIES}
_MOST = 40


@pytest.fixture(scope="module")
def server(reciter: Reciter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A site that asks for every optional kind."""
    with running("flask", settings_with(reciter, tmp_path_factory, _ALL)) as started:
        yield started


_ALL: dict[str, Any] = {
    "consents.offered": ["history", "improvement", "diagnostics", "preference_cookies", "analytics", "product_updates"],
    "cookies.kinds": ["essential", "preference", "analytics"],
    "cookies.analytics": True,
}


def test_a_guest_is_given_one_cookie_however_far_they_walk(chromium: Browser, server: Server) -> None:
    with watched_tab(chromium) as tab:
        seen = _walk(tab, server.url)

        assert len(seen) > 4
        assert _jar(tab) == {"candor"}


def test_somebody_who_chose_everything_is_given_what_is_declared(chromium: Browser, server: Server, name: str) -> None:
    with watched_tab(chromium) as tab:
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        window = Window(tab, server.url).open().register(name)
        tab.goto(f"{server.url}/cookies")
        for box in tab.get_by_role("checkbox").all():
            box.check()
        tab.get_by_role("button", name="Save my choice").click()
        tab.get_by_label("Dark", exact=True).check()
        tab.get_by_role("button", name="Use this").click()
        expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
        window.open().ask("Hello")
        seen = _walk(tab, server.url)

        assert len(seen) > 6
        assert _jar(tab) == DECLARED
        assert {urlsplit(url).netloc for url in asked if url.startswith("http")} == {urlsplit(server.url).netloc}


@pytest.mark.parametrize("scripts", [True, False])
def test_each_switch_goes_on_and_off(open_window: Callable[..., Window], name: str, scripts: bool) -> None:
    tab = open_window(scripts=scripts).register(name).page
    for title in _TITLES:
        tab.goto(f"{urlsplit(tab.url).scheme}://{urlsplit(tab.url).netloc}/settings/privacy")
        tab.get_by_role("button", name=re.compile(f"Agree and switch on ?: {title}")).click()
        switch = tab.locator("section.switch").filter(has=tab.get_by_role("heading", name=title, level=2))
        expect(switch.locator(".switch__state")).to_contain_text("On since")
        tab.get_by_role("button", name=re.compile(f"Switch off ?: {title}")).click()
        expect(switch.locator(".switch__state")).to_have_text("Off")
    expect(tab.locator(".ledger__row")).to_have_count(2 * len(_TITLES))


def test_the_bar_blocks_nothing_and_goes_with_an_answer(open_window: Callable[..., Window]) -> None:
    window = open_window(width=360, height=640).open()
    bar = window.page.locator(".bar")
    expect(bar).to_be_visible()

    window.ask("Hello")
    bar.get_by_role("button", name="Only what is needed").click()

    expect(bar).to_have_count(0)


def test_the_pages_are_accessible(open_window: Callable[..., Window], axe: Callable[[Any], None], name: str) -> None:
    for scheme in ("light", "dark"):
        window = open_window(width=360, color_scheme=scheme).open("/cookies")
        axe(window.page)
        window.register(f"{name}-{scheme}").open("/settings/privacy")
        axe(window.page)
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


_TITLES = (
    "Keep my conversations",
    "Improve this service with my saved conversations",
    "Keep a copy when an answer fails",
    "Remember how I like the pages to look",
    "Count the pages I open",
    "Send me news about this service",
)


def _walk(tab: Any, url: str) -> set[str]:
    """Open every page that can be reached by links, and return their paths."""
    waiting, seen = ["/", "/privacy", "/login", "/cookies", "/settings/privacy"], set[str]()
    while waiting and len(seen) < _MOST:
        path = waiting.pop(0)
        if path in seen or path.endswith(".json"):
            continue
        seen.add(path)
        tab.goto(url + path)
        links = tab.eval_on_selector_all(
            "a[href]", "all => all.filter(one => !one.download).map(one => one.getAttribute('href'))"
        )
        waiting += [link.partition("#")[0] for link in links if link.startswith("/") and "?" not in link]
    return seen


def _jar(tab: Any) -> set[str]:
    return {cookie["name"] for cookie in tab.context.cookies()}
