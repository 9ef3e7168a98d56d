"""Saving in a browser: the state beside the composer, the consent that the button is, and what one can do with a history."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import OpenWindow
from tests.pages.reciter import Reciter
from tests.pages.window import ANSWER, Window

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])]


def test_saving_asks_for_consent_once_and_shows_until_when(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("An answer to keep.")
    window.register(name).open()
    window.ask("A question to keep")
    expect(window.state).to_have_text("Not stored")

    window.page.locator("summary", has_text="Save this conversation").click()
    expect(window.page.get_by_text("You alone. No page of this site shows them")).to_be_visible()
    window.press("Agree and save this conversation")

    expect(window.state).to_have_text(re.compile(r"Saved, deletes on \d+ \w+"))
    expect(window.page).to_have_url(re.compile("/c/"))
    expect(window.page.locator(".topbar__title")).to_have_text("A question to keep")
    window.page.goto(f"{window.url}/settings/privacy")
    expect(window.page.locator(".ledger__row")).to_have_count(1)
    expect(window.page.locator(".ledger__row")).to_contain_text("Agreed: Keep my conversations")


def test_with_history_on_the_first_message_is_saved_and_listed(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Noted.")
    window.register(name).keep_history().open()
    expect(window.state).to_have_text("Will be saved for 90 days")

    window.ask("Remember the milk")

    expect(window.state).to_contain_text("Saved, deletes on")
    today = window.page.locator(".sidebar__days section")
    expect(today.get_by_role("heading")).to_have_text("Today")
    expect(today.locator("li.entry .entry__link")).to_have_text("Remember the milk")
    expect(today.locator("[aria-current=page]")).to_have_count(1)
    expect(window.page.locator(".topbar__title")).to_have_text("Remember the milk")
    expect(window.page).to_have_title(re.compile("^Remember the milk · "))
    window.page.reload()
    expect(window.page.locator(".prose")).to_contain_text("Noted.")


def test_a_new_conversation_joins_those_of_today_below_the_pinned_ones(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Noted.")
    window.register(name).keep_history().open()
    window.ask("The pinned one")
    window.open().ask("The older one")
    _open_menu(window, "The pinned one")
    window.press("Pin")
    expect(window.page.locator(".sidebar__day").first).to_have_text("Pinned")

    window.open().ask("The newest one")

    expect(window.page.locator(".sidebar__day")).to_have_text(["Pinned", "Today"])
    titles = window.page.locator(".sidebar .entry__link")
    expect(titles).to_have_text(["The pinned one", "The newest one", "The older one"])


def test_one_conversation_is_kept_out_of_the_history(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Fine.")
    window.register(name).keep_history().open()

    window.press("Don’t save this one")
    expect(window.state).to_have_text("Not stored")
    window.ask("Between us")

    expect(window.state).to_have_text("Not stored")
    window.page.goto(f"{window.url}/history")
    expect(window.page.get_by_text("Nothing is saved.")).to_be_visible()


def test_a_saved_conversation_is_taken_out_again_and_stays_in_the_page(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Fine.")
    window.register(name).keep_history().open()
    window.ask("Not for ever")

    window.press("Don’t save this one")

    expect(window.state).to_have_text("Not stored")
    expect(window.question).to_contain_text("Not for ever")
    expect(window.page.locator(".sidebar .entry")).to_have_count(0)


def test_a_conversation_is_renamed_pinned_and_deleted_from_the_history(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Fine.")
    window.register(name).keep_history().open()
    window.ask("Old title")
    window.page.goto(f"{window.url}/history")
    expect(window.page.locator(".entry__more > summary")).to_have_css("opacity", "1")

    _open_menu(window, "Old title")
    window.page.get_by_label("Title").fill("New title")
    window.press("Rename")
    expect(window.page.locator(".history__list .entry__link")).to_have_text("New title")
    _open_menu(window, "New title")
    window.press("Pin")
    expect(window.page.locator(".history__day")).to_have_text("Pinned")
    _open_menu(window, "New title")
    window.page.locator("summary", has_text="Delete…").click()
    window.press("Delete for good")

    expect(window.page.locator(".notice")).to_contain_text("The conversation was deleted.")
    expect(window.page.locator(".history__list .entry")).to_have_count(0)


def test_the_history_is_searched(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Elephants remember everything.")
    window.register(name).keep_history().open()
    window.ask("Which animal remembers?")
    window.open("/history")

    window.page.get_by_label("Search your conversations").fill("elephants")
    window.press("Search")

    expect(window.page.get_by_role("status")).to_contain_text("1 conversation has these words.")
    expect(window.page.locator("mark")).to_have_text("Elephants")
    window.page.get_by_role("link", name="Which animal remembers?").click()
    expect(window.page.locator(ANSWER)).to_contain_text("Elephants remember everything.")


def test_withdrawing_deletes_what_was_stored(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Fine.")
    window.register(name).keep_history().open()
    window.ask("Soon forgotten")
    window.page.goto(f"{window.url}/settings/privacy")
    expect(window.page.get_by_label("Delete everything stored under it now")).to_be_checked()

    window.page.get_by_role("button", name="Switch off").click()

    expect(window.page.locator(".notice")).to_contain_text("What was stored under it was deleted.")
    expect(window.page.locator(".switch__state")).to_have_text("Off")
    window.page.goto(f"{window.url}/history")
    expect(window.page.get_by_text("Nothing is saved.")).to_be_visible()
    window.open()
    expect(window.state).to_have_text("Not stored")


def test_a_long_history_comes_a_page_at_a_time(window: Window, reciter: Reciter, name: str) -> None:
    reciter.will_say("Fine.")
    window.register(name).keep_history().open()
    token = window.page.locator("#chat input[name=csrf_token]").input_value()
    for number in range(60):
        form: dict[str, str | float | bool] = {"csrf_token": token, "text": f"Number {number}", "model": "recite"}
        assert window.page.request.post(f"{window.url}/chat/send", form=form, max_redirects=0).status == 303

    window.open("/history")
    first = window.page.locator(".history__list .entry__link").all_inner_texts()
    window.page.get_by_role("link", name="Older conversations").last.click()
    second = window.page.locator(".history__list .entry__link").all_inner_texts()

    assert first[0] == "Number 59"
    assert second
    assert not set(first) & set(second)


def _open_menu(window: Window, title: str) -> None:
    entry = window.page.locator(".entry", has_text=title).last
    entry.hover()
    entry.locator(".entry__more > summary").click()


@pytest.fixture
def window(open_window: OpenWindow, *, scripts: bool) -> Window:
    return open_window(scripts=scripts)
