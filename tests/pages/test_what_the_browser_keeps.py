"""What a visit leaves in the browser, and whom the pages ask: one cookie for the session, and nobody else."""

from typing import Any

import pytest
from playwright.sync_api import Request, expect

from tests.pages.conftest import OpenWindow
from tests.pages.reciter import Reciter
from tests.pages.window import Window

pytestmark = pytest.mark.browser

GUEST_PAGES = ("/", "/privacy", "/providers", "/login", "/register", "/reset", "/nothing-here")
OWN_PAGES = ("/", "/history", "/settings/privacy", "/settings/profile", "/settings/security", "/settings/security/password")


def test_a_guest_has_one_cookie_for_the_session_and_no_storage(window: Window, reciter: Reciter) -> None:
    reciter.will_say("Hello.")
    window.ask("Hello")

    (cookie,) = window.page.context.cookies()

    assert _traits(cookie) == {"httpOnly": True, "sameSite": "Lax", "expires": -1, "path": "/"}
    assert window.stored() == {}
    assert window.page.evaluate("async () => (await indexedDB.databases()).length + (await caches.keys()).length") == 0
    assert window.page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0


def test_an_account_has_the_same_one_cookie(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Hello.")
    window.register(name).keep_history().open()
    window.ask("Hello")

    (cookie,) = window.page.context.cookies()

    assert _traits(cookie) == {"httpOnly": True, "sameSite": "Lax", "expires": -1, "path": "/"}
    assert window.stored() == {}


def test_pages_ask_this_site_alone(open_window: OpenWindow, name: str) -> None:
    window = open_window()
    hosts: set[str] = set()
    window.page.on("request", lambda request: hosts.add(_origin(request)))

    for path in GUEST_PAGES:
        window.open(path)
    window.register(name)
    for path in OWN_PAGES:
        window.open(path)

    assert hosts <= {window.url, "data:", "blob:"}


def test_a_chat_is_one_question_to_the_model(window: Window, reciter: Reciter) -> None:
    asked = len(reciter.asked)
    reciter.will_say("Hello.")

    window.ask("Hello")

    expect(window.answer).to_contain_text("Hello.")
    assert len(reciter.asked) == asked + 1


def test_the_draft_is_gone_with_the_page(window: Window) -> None:
    window.words.fill("Half a thought")
    window.page.on("dialog", lambda dialog: dialog.accept())

    window.page.reload()

    expect(window.words).to_have_value("")


def _traits(cookie: Any) -> dict[str, Any]:
    return {name: cookie[name] for name in ("httpOnly", "sameSite", "expires", "path")}


def _origin(request: Request) -> str:
    scheme, rest = request.url.split(":", 1)
    return f"{scheme}:" if scheme in ("data", "blob") else f"{scheme}://{rest[2:].split('/')[0]}"
