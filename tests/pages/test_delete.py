"""Deleting in a real browser: with scripts and without, on a narrow screen, and for a screen reader."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import OpenWindow
from tests.pages.window import Window
from tests.people import PASSWORD

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_an_account_is_closed_kept_and_erased(
    open_window: OpenWindow, name: str, axe: Callable[[Any], None], *, scripts: bool
) -> None:
    window = open_window(scripts=scripts, width=360).open().register(name)
    for path in ("/settings/delete", "/settings/delete/everything", "/settings/delete/account"):
        window.open(path)
        _look(window, axe, scripts=scripts)

    _delete(window, name, "In 29 days")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Your account will be erased")
    _look(window, axe, scripts=scripts)
    _sign_in(window, name)
    _look(window, axe, scripts=scripts)
    window.page.get_by_role("button", name="Keep my account").click()
    expect(window.page.get_by_text("Your account stays")).to_be_visible()

    window.open("/settings/delete/account")
    _delete(window, name, "Now.")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Your account is erased")
    _look(window, axe, scripts=scripts)
    with window.page.expect_download() as download:
        window.page.get_by_role("link", name="Download the certificate").click()
    document = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert document["type"] == "certificate of erasure"
    assert window.page.context.cookies() == []


def _delete(window: Window, name: str, when: str) -> None:
    window.page.get_by_label(when).check()
    window.page.get_by_label("To confirm").fill(f"{name}@example.org")
    window.page.get_by_role("button", name="Delete my account").click()


def _sign_in(window: Window, name: str) -> None:
    window.open("/login")
    window.page.get_by_label("E-mail address").fill(f"{name}@example.org")
    window.page.get_by_label("Password", exact=True).fill(PASSWORD)
    window.page.locator("main").get_by_role("button", name="Sign in").click()
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Your account is about to be erased")


def _look(window: Window, axe: Callable[[Any], None], *, scripts: bool) -> None:
    if scripts:
        axe(window.page)
        assert window.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
