"""Signing in to save does not lose the conversation that is to be saved."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import OpenWindow
from tests.pages.reciter import PAUSE, Reciter
from tests.pages.window import PERSON, Window

pytestmark = pytest.mark.browser


def test_a_conversation_comes_along_through_the_sign_in_and_can_be_saved(
    window: Window, open_window: OpenWindow, reciter: Reciter, name: str
) -> None:
    open_window().register(name)
    reciter.will_say("A thought worth keeping.")
    window.page.locator("summary[title*=Instructions]").click()
    window.page.get_by_label("Instructions for this chat").fill("Be thoughtful")
    window.page.keyboard.press("Escape")
    window.ask("Think")

    window.page.get_by_role("link", name="Sign in to save").click()
    expect(window.page).to_have_url(f"{window.url}/login")
    kept = window.stored()
    window.sign_in(f"{name}@example.org")

    expect(window.page.locator(PERSON)).to_have_count(1)
    expect(window.answer).to_contain_text("A thought worth keeping.")
    assert list(kept) == ["kept"]
    assert "thought" not in str(kept).lower()
    assert window.ready().stored() == {}
    expect(window.page.get_by_label("Instructions for this chat")).to_have_value("Be thoughtful")
    window.page.locator("summary", has_text="Save this conversation").click()
    window.press("Agree and save this conversation")
    expect(window.state).to_contain_text("Saved, deletes on")
    expect(window.answer).to_contain_text("A thought worth keeping.")


def test_an_answer_that_is_arriving_comes_along_as_far_as_it_came(
    window: Window, open_window: OpenWindow, reciter: Reciter, name: str
) -> None:
    open_window().register(name)
    reciter.will_say("As far as this. ", PAUSE, "No further.")
    window.send("Think")
    expect(window.prose).to_contain_text("As far as this.")

    window.page.get_by_role("link", name="Sign in to save").click()
    expect(window.page).to_have_url(f"{window.url}/login")
    window.sign_in(f"{name}@example.org")

    expect(window.prose).to_contain_text("As far as this.")


def test_a_conversation_comes_along_through_a_new_account(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("A thought worth keeping.")
    window.ask("Think")
    window.page.get_by_role("link", name="Sign in to save").click()
    window.page.get_by_role("link", name="Create an account").click()

    window.fill_in_registration(name)

    expect(window.answer).to_contain_text("A thought worth keeping.")
    assert window.ready().stored() == {}


def test_another_session_cannot_open_what_was_left_behind(window: Window, reciter: Reciter) -> None:
    reciter.will_say("A secret.")
    window.ask("Tell me a secret")
    window.page.get_by_role("link", name="Sign in to save").click()
    expect(window.page).to_have_url(f"{window.url}/login")

    window.page.context.clear_cookies()
    window.page.goto(window.url)

    expect(window.page.get_by_text("This page belongs to a session that has ended")).to_be_visible()
    assert "A secret." not in window.page.content()
    assert window.stored() == {}


def test_an_empty_chat_leaves_nothing_behind(window: Window) -> None:
    window.page.get_by_role("link", name="Sign in to save").click()

    expect(window.page).to_have_url(re.compile("/login$"))
    assert window.stored() == {}


def test_without_scripts_the_link_says_that_the_conversation_stays_behind(plain: Window, window: Window) -> None:
    link = plain.page.get_by_role("link", name="Sign in to save")

    expect(link).to_have_attribute("title", re.compile("stays behind"))
    expect(window.page.get_by_role("link", name="Sign in to save")).not_to_have_attribute("title", re.compile("."))
