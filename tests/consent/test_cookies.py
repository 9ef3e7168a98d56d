"""Cookies: only what is needed, unless somebody chose more; a choice that is theirs to change, with an account or without."""

from typing import Any

import pytest
from flask import Flask

from chat.consent import ledger
from chat.consent.cookies import Choice
from chat.consent.purposes import Purpose
from chat.kernel.cookies import CHOICE, LOOK
from chat.kernel.look import Look
from tests.browser import Browser
from tests.conftest import MakeApp
from tests.people import People, sign_in

OFFERED = {
    "consents.offered": ["history", "preference_cookies", "analytics"],
    "cookies.kinds": ["essential", "preference", "analytics"],
    "cookies.analytics": True,
}
GPC = {"Sec-GPC": "1"}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """A site with optional cookies."""
    return make_app(OFFERED)


def test_no_page_sets_an_optional_cookie_before_a_choice(client: Browser) -> None:
    for path in ("/", "/privacy", "/cookies", "/login"):
        client.page(path)

    assert _names(client) <= {"candor"}


def test_nothing_is_ticked_for_anybody(client: Browser) -> None:
    page = client.page("/cookies")

    assert not [one for one in page.all("input") if one.get("type") == "checkbox" and "checked" in one.attributes]


def test_a_guest_chooses_each_kind_by_itself_and_again(client: Browser) -> None:
    _choose(client, "preference_cookies")
    first = _names(client)
    _choose(client)

    assert first == {"candor", CHOICE.name, LOOK.name}
    assert _names(client) == {"candor", CHOICE.name}


def test_a_look_outlasts_the_visit_only_by_choice(client: Browser) -> None:
    _look(client, "dark", "large")
    visit, names = client.page("/privacy").first("html"), _names(client)
    client.delete_cookie("candor")
    forgotten = client.page("/privacy").first("html")
    _choose(client, "preference_cookies")
    _look(client, "light", "larger")
    client.delete_cookie("candor")
    remembered = client.page("/privacy").first("html")

    assert (visit.get("data-theme"), visit.get("data-text")) == ("dark", "large")
    assert LOOK.name not in names
    assert "data-theme" not in forgotten.attributes
    assert (remembered.get("data-theme"), remembered.get("data-text")) == ("light", "larger")


def test_an_error_page_looks_the_same(client: Browser) -> None:
    _look(client, "dark", "normal")

    assert client.page("/nowhere", status=404).first("html").get("data-theme") == "dark"


@pytest.mark.parametrize("value", ["dark.huge", "evil", '"><script>', "dark.", ".", "a" * 4000])
def test_a_cookie_that_holds_nonsense_changes_nothing(client: Browser, value: str) -> None:
    client.set_cookie(LOOK.name, value)
    client.set_cookie(CHOICE.name, value)

    assert client.page("/cookies").first("html").attributes.keys() == {"lang"}
    assert Look.parse(value) is None
    assert Choice.parse(value) is None


def test_an_unknown_look_is_refused(client: Browser) -> None:
    answer = client.post("/cookies/look", data={"csrf_token": client.csrf("/cookies"), "theme": "x", "size": "normal"})

    assert answer.status_code == 403


def test_optional_cookies_are_safe_from_scripts_and_other_sites(client: Browser) -> None:
    answer = client.post("/cookies", data={"csrf_token": client.csrf("/cookies"), "preference_cookies": "yes"})

    lines = [line for line in answer.headers.getlist("Set-Cookie") if not line.startswith("candor=")]
    assert len(lines) == 2
    assert all("HttpOnly" in line and "SameSite=Lax" in line and "Max-Age=31536000" in line for line in lines)


def test_an_accounts_choice_goes_to_the_ledger(client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    _choose(client, "preference_cookies", "analytics")
    _choose(client, "analytics")

    acts = [(one.purpose, one.given, one.source) for one in ledger.list_entries(people.alice)]
    assert acts == [
        ("preference_cookies", True, "cookie page"),
        ("analytics", True, "cookie page"),
        ("preference_cookies", False, "cookie page"),
    ]


def test_withdrawing_elsewhere_takes_the_cookie_from_every_browser(app: Flask, client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    _choose(client, "preference_cookies")
    _look(client, "dark", "normal")
    other: Any = app.test_client()
    sign_in(other, people.alice)

    other.submit("/settings/privacy", action="/preference_cookies/withdraw")
    had = LOOK.name in _names(client)
    client.page("/")

    assert had
    assert LOOK.name not in _names(client)


def test_withdrawing_in_the_settings_takes_the_cookie_in_the_same_answer(client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    client.submit("/settings/privacy", action="/preference_cookies/give")
    _look(client, "dark", "normal")
    had = LOOK.name in _names(client)

    client.submit("/settings/privacy", action="/preference_cookies/withdraw", follow=False)

    assert had
    assert LOOK.name not in _names(client)


def test_the_bar_asks_until_one_has_answered(client: Browser) -> None:
    asked = _has_bar(client)
    client.submit("/", action="/cookies")

    assert asked
    assert not _has_bar(client)
    assert _names(client) == {"candor", CHOICE.name}


@pytest.mark.parametrize("profile", [{}])
def test_a_site_without_optional_cookies_asks_nothing(make_app: MakeApp, profile: dict[str, Any]) -> None:
    client: Any = make_app({"site.name": "Plain"}).test_client()

    assert not _has_bar(client)
    assert "There is nothing to choose" in client.page("/cookies").text


def test_a_browser_that_objects_is_not_asked_and_is_told(client: Browser) -> None:
    page = client.page("/cookies", headers=GPC)

    assert not client.page("/", headers=GPC).with_class("bar")
    assert "Your browser sends Global Privacy Control" in page.text
    assert "disabled" in page.by_id("choose-analytics").attributes


def test_the_signal_ends_a_consent_to_be_counted_and_is_recorded_once(client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    client.submit("/settings/privacy", action="/analytics/give")

    for path in ("/", "/", "/settings/privacy"):
        client.page(path, headers=GPC)

    acts = [(one.purpose, one.given, one.source) for one in ledger.list_entries(people.alice)]
    assert acts == [("analytics", True, "settings"), ("analytics", False, "browser signal")]
    assert not ledger.allows(people.alice, Purpose.ANALYTICS)


@pytest.mark.parametrize("value", ["0", "", "true", "yes"])
def test_only_the_value_1_is_the_signal(client: Browser, people: People, value: str) -> None:
    sign_in(client, people.alice)

    client.page("/", headers={"Sec-GPC": value})

    assert ledger.list_entries(people.alice) == []


def test_a_signal_outweighs_a_tick(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    client.post("/cookies", data={"csrf_token": client.csrf("/cookies"), "analytics": "yes"}, headers=GPC)

    assert not ledger.allows(people.alice, Purpose.ANALYTICS)


def _choose(client: Browser, *purposes: str) -> None:
    client.post("/cookies", data={"csrf_token": client.csrf("/cookies")} | dict.fromkeys(purposes, "yes"))


def _look(client: Browser, theme: str, size: str) -> None:
    client.submit("/cookies", {"theme": theme, "size": size}, action="/cookies/look")


def _has_bar(client: Browser) -> bool:
    return bool(client.page("/").with_class("bar"))


def _names(client: Browser) -> set[str]:
    return {one.key for one in client._cookies.values()}
