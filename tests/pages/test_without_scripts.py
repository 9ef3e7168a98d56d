"""The chat's main ways without JavaScript: each act is a post, and the page that answers is whole."""

import pytest
from playwright.sync_api import expect

from tests.pages.reciter import Reciter
from tests.pages.window import PERSON, Window

pytestmark = pytest.mark.browser


def test_a_conversation_goes_on_from_page_to_page(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("Good morning to you.")
    plain.ask("Good morning")

    plain.ask("And now?")

    assert [one["content"] for one in reciter.asked[-1]] == ["Good morning", "Good morning to you.", "And now?"]
    expect(plain.page.locator(PERSON)).to_have_count(2)
    expect(plain.state).to_have_text("Not stored")


def test_answers_are_given_again_and_switched(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("Heads.")
    plain.ask("Toss a coin")
    reciter.will_say("Tails.")

    plain.press("Answer again")
    expect(plain.answer).to_contain_text("2/2")
    plain.press("Previous alternative")

    expect(plain.prose).to_contain_text("Heads.")
    expect(plain.answer).to_contain_text("1/2")


def test_messages_are_edited_and_removed(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("Noted.")
    plain.ask("First")
    plain.ask("Second")
    plain.unfold(plain.question, "Edit")
    plain.page.get_by_label("Edited message").last.fill("Second, better")
    plain.press("Send again")
    assert [one["content"] for one in reciter.asked[-1]] == ["First", "Noted.", "Second, better"]

    plain.unfold(plain.question, "Remove")
    plain.press("Remove", plain.question)

    expect(plain.page.locator(PERSON)).to_have_count(2)  # what was edited is in view again
    expect(plain.question).to_contain_text("Second")


def test_an_answer_that_fails_is_tried_again(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("Half of ", ends="cut")
    plain.ask("Tell me")
    expect(plain.prose).to_contain_text("Half of")
    reciter.will_say("The whole.")

    plain.press("Try again")

    expect(plain.prose).to_contain_text("The whole.")


def test_a_failed_answer_is_continued(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("One, two, ", ends="cut")
    plain.ask("Count")
    reciter.will_say("three.")

    plain.press("Continue")

    expect(plain.prose).to_contain_text("One, two, three.")


def test_words_come_back_when_they_are_refused(plain: Window) -> None:
    plain.page.locator("summary[title*=Instructions]").click()
    plain.page.get_by_label("Instructions for this chat").fill("Be brief")
    plain.page.locator(".composer__file").set_input_files(
        {"name": "virus.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\0\1"}
    )

    plain.send("Precious words")

    expect(plain.complaint).to_be_visible()
    expect(plain.words).to_have_value("Precious words")
    expect(plain.page.get_by_label("Instructions for this chat")).to_have_value("Be brief")


def test_a_file_goes_along(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("A list.")
    plain.page.locator(".composer__file").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": b"name,size\none,1\n"}
    )

    plain.ask("What is this?")

    expect(plain.question.locator(".chip")).to_contain_text("list.csv")
    assert "one,1" in str(reciter.asked[-1])


def test_the_chosen_model_stays_chosen(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("From afar.")
    plain.page.locator(".picker > summary").click()
    plain.page.locator(".picker__model", has_text="Distant").click()

    plain.ask("Hello")

    expect(plain.answer).to_contain_text("Distant")
    expect(plain.page.locator(".picker > summary")).to_contain_text("Distant")
    expect(plain.page.locator(".storage__provider")).to_contain_text("Iceland")


def test_what_only_scripts_can_do_is_not_offered(plain: Window, reciter: Reciter) -> None:
    reciter.will_say("Noted.")
    expect(plain.page.locator(".welcome__starters")).to_be_hidden()

    answer = plain.ask("Hello")

    expect(answer.get_by_role("button", name="Copy answer")).to_be_hidden()
    expect(plain.button("Stop")).to_be_hidden()
    for name in ("Answer again", "Send"):
        expect(plain.page.get_by_role("button", name=name, exact=True)).to_be_visible()
