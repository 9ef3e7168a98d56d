"""Every page of an account is opened in a real browser, with JavaScript and without: reached by links, as people reach it.

What is to be opened is read from the application's own addresses, so that a page added later is looked at here, or fails here.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import expect
from werkzeug.exceptions import HTTPException

from chat.factory import create_app
from tests.conftest import settings_for_tests
from tests.pages.conftest import OpenWindow, settings_with
from tests.pages.reciter import Reciter
from tests.pages.test_look import _overhang
from tests.pages.window import Window
from tests.servers import Server, running

pytestmark = pytest.mark.browser

BELOW = ("/settings", "/cookies", "/privacy", "/providers", "/history")
# Pages that no link of a signed-in person leads to, and where they are looked at.
ELSEWHERE = {
    "erasure.closing_page": "only for an account that is closing: tests/datarights/test_delete_pages.py",
    "security.change_email_confirm": "a mailed link: tests/accounts/test_addresses.py",
    "policy_versions.changes": "only once there are two versions: tests/policy/test_versions.py",
    "requests.ask": "only for guests: tests/pages/test_look.py",
}
_ALL: dict[str, Any] = {
    "consents.offered": ["history", "improvement", "diagnostics", "preference_cookies", "analytics", "product_updates"],
    "cookies.kinds": ["essential", "preference", "analytics"],
    "cookies.analytics": True,
    "collect.profile_fields": ["company", "job_title", "website"],
}


@pytest.fixture(scope="module")
def site(reciter: Reciter, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of a site that has everything a profile can switch on."""
    return settings_with(reciter, tmp_path_factory, _ALL)


@pytest.fixture(scope="module")
def server(site: dict[str, str]) -> Iterator[Server]:
    with running("flask", site) as started:
        yield started


@pytest.fixture(scope="module")
def addresses(site: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The same application in this process, for its map of addresses."""
    return create_app(settings_for_tests(tmp_path_factory.mktemp("instance"), chat_profile=site["CHAT_PROFILE"]))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_every_page_of_an_account_is_whole(
    open_window: OpenWindow,
    axe: Callable[[Any], None],
    addresses: Flask,
    reciter: Reciter,
    name: str,
    scripts: bool,
    tmp_path: Path,
) -> None:
    window = open_window(reduced_motion="reduce").register(name)
    _use_everything(window, reciter)
    if not scripts:
        window = _the_same_person(window, open_window(scripts=False, width=360))
    seen: set[str] = set()

    for number, path in enumerate(_walk(window, addresses, seen)):
        expect(window.page.locator("h1")).to_have_count(1)
        # axe takes its time: it sees every other page wide and light, and those between narrow and dark.
        looks = [(1280, "light"), (360, "dark")] if number % 2 else [(360, "dark"), (1280, "light")]
        for width, scheme in looks if scripts else [(360, "light")]:
            window.page.set_viewport_size({"width": width, "height": 800})
            window.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # the two it may be
            assert _overhang(window) <= 0, f"{path} is too wide at {width}"
            if scripts and (width, scheme) == looks[-1]:
                axe(window.page)
        for form in window.page.locator("main form[method=post]").all():
            if not scripts and form.is_visible():
                assert form.locator("button, input[type=submit]").count(), f"{path} has a form that only a script could send"

    wanted = {rule.endpoint for rule in addresses.url_map.iter_rules() if _is_page(rule)}
    assert not wanted - seen - ELSEWHERE.keys(), f"not opened: {sorted(wanted - seen - ELSEWHERE.keys())}"
    assert ELSEWHERE.keys() <= wanted
    assert len(seen) > 25


def _is_page(rule: Any) -> bool:
    return "GET" in rule.methods and rule.rule.startswith(BELOW)


def _walk(window: Window, addresses: Flask, seen: set[str]) -> Iterator[str]:
    """Open one page of each kind that a link leads to, and yield its path while it is open. Downloads are only fetched."""
    waiting = ["/settings/profile", "/cookies", "/privacy", "/history", "/providers"]
    while waiting:
        path = waiting.pop(0)
        endpoint = _endpoint(addresses, path)
        if endpoint is None or endpoint in seen:
            continue
        seen.add(endpoint)
        answer = window.page.request.get(window.url + path)
        assert answer.status == 200, f"{path} answered {answer.status}"
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        window.open(path)
        links = window.page.locator("a[href]").evaluate_all("(all) => all.map((one) => one.href)")
        waiting += [urlsplit(one).path for one in links if one.startswith(window.url)]
        yield path


def _endpoint(addresses: Flask, path: str) -> str | None:
    try:
        endpoint, _values = addresses.url_map.bind("localhost").match(path)
    except HTTPException:
        return None
    return endpoint if path.startswith(BELOW) else None


def _use_everything(window: Window, reciter: Reciter) -> None:
    """Leave something on each page: consents, a saved conversation, an answer that failed, a request, a key, long names."""
    page = window.page
    page.goto(f"{window.url}/settings/privacy")
    while (agree := page.get_by_role("button", name="Agree and switch on")).count():
        agree.first.click()
        page.wait_for_load_state()
    reciter.will_say("Noted.")
    window.open().ask("A conversation to keep " + "z" * 60)
    reciter.will_say("Half ", ends="cut")
    window.open().ask("A question that fails " + "q" * 60)
    page.goto(f"{window.url}/settings/requests/new")
    page.get_by_label("Your request").fill("Please look at this. " + "r" * 90)
    page.get_by_role("button", name="Send the request").click()
    page.goto(f"{window.url}/settings/keys/new")
    page.get_by_label("Name", exact=True).fill("k" * 80)
    page.locator("main form").get_by_role("button").last.click()
    expect(page.get_by_text("ck-").first).to_be_visible()
    _ask_as_a_program(window, re.findall(r"\bck-[\w-]{30,}", page.content())[0], reciter)


def _ask_as_a_program(window: Window, key: str, reciter: Reciter) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    model = window.page.request.get(f"{window.url}/v1/models", headers=headers).json()["data"][0]["id"]
    reciter.will_say("Noted.")
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    answer = window.page.request.post(f"{window.url}/v1/chat/completions", headers=headers, data=body)
    assert answer.status == 200, answer.text()
    # Its usage row is written after it has ended.
    receipt = f"{window.url}/v1/receipts/{answer.headers['x-candor-receipt']}"
    while window.page.request.get(receipt, headers=headers).status == 409:
        window.page.wait_for_timeout(50)


def _the_same_person(window: Window, other: Window) -> Window:
    """Return `other` with the cookies of `window`."""
    other.page.context.add_cookies(window.page.context.cookies())  # type: ignore[arg-type]  # as it gave them
    return other
