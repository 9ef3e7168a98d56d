"""The chat in a browser: what arrives, what one can do with it, and what is kept when something breaks."""

import re

import pytest
from playwright.sync_api import Dialog, expect

from tests.pages.conftest import OpenWindow, settings_with
from tests.pages.reciter import PAUSE, Reciter
from tests.pages.window import PERSON, Window
from tests.servers import Server, running

pytestmark = pytest.mark.browser

RICH = """A paragraph with **strong words**.

| Name | Size |
|---|---:|
| One | 1 |

- [x] done
- [ ] to do

```python
def double(number):
    return 2 * number
```

$$ E = mc^2 $$
"""


def test_a_guest_chats_at_once(window: Window, reciter: Reciter) -> None:
    reciter.will_say("Good morning to you.")

    answer = window.ask("Good morning")

    expect(window.question).to_contain_text("Good morning")
    expect(answer).to_contain_text("Good morning to you.")
    expect(window.state).to_have_text("Not stored")
    expect(window.words).to_have_value("")
    expect(window.words).to_be_focused()


def test_an_answer_is_shown_while_it_arrives(window: Window, reciter: Reciter) -> None:
    reciter.will_say("The first **half**.", PAUSE, "\n\nThe second half.")

    window.send("Say it in halves")

    expect(window.prose.locator("strong")).to_have_text("half")
    expect(window.prose).not_to_contain_text("second")
    expect(window.button("Stop")).to_be_visible()
    reciter.go_on.set()
    expect(window.prose).to_contain_text("The second half.")
    window.settle()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_markdown_becomes_a_table_tasks_code_and_a_formula(open_window: OpenWindow, reciter: Reciter, *, scripts: bool) -> None:
    reciter.will_say(RICH)
    window = open_window(scripts=scripts).open()

    window.ask("Show me everything")

    prose = window.prose
    expect(prose.locator("strong")).to_have_text("strong words")
    expect(prose.locator("td.align-right")).to_have_text("1")
    expect(prose.get_by_role("img", name="Done")).to_be_visible()
    expect(prose.get_by_role("img", name="To do")).to_be_visible()
    expect(prose.locator("figure.code figcaption")).to_contain_text("python")
    expect(prose.locator("figure.code .k").first).to_have_text("def")
    expect(prose.locator("math msup")).to_be_attached()


def test_what_arrives_looks_like_what_stays(window: Window, reciter: Reciter) -> None:
    reciter.will_say(RICH, PAUSE)

    window.send("Show me everything")

    prose = window.prose
    expect(prose.locator("td").first).to_have_text("One")
    expect(prose.locator("li")).to_have_count(2)
    expect(prose.locator("figure.code pre")).to_contain_text("return 2 * number")
    reciter.go_on.set()
    window.settle()


def test_code_and_answers_are_copied(open_window: OpenWindow, reciter: Reciter) -> None:
    reciter.will_say(RICH)
    window = open_window(permissions=["clipboard-read", "clipboard-write"]).open()
    answer = window.ask("Code, please")

    window.press("Copy code", answer)
    copied_code = window.page.evaluate("() => navigator.clipboard.readText()")
    window.press("Copy answer", answer)
    copied_answer = window.page.evaluate("() => navigator.clipboard.readText()")

    assert copied_code == "def double(number):\n    return 2 * number\n"
    assert copied_answer.strip() == RICH.strip()
    expect(window.page.locator("[data-part=announcer]")).to_have_text("Copied")


def test_reasoning_is_folded_away(window: Window, reciter: Reciter) -> None:
    reciter.will_say("Forty-two.", thinks="Six times seven.")

    answer = window.ask("What is six times seven?")

    expect(answer.get_by_text("Six times seven.")).to_be_hidden()
    answer.get_by_text("How it reasoned").click()
    expect(answer.get_by_text("Six times seven.")).to_be_visible()


def test_a_stopped_answer_stays_and_goes_along_with_the_next_message(window: Window, reciter: Reciter) -> None:
    reciter.will_say("As far as this. ", PAUSE, "Not this.")
    window.send("Say much")
    expect(window.prose).to_contain_text("As far as this.")

    window.button("Stop").click()
    window.settle()
    expect(window.answer).to_contain_text("stopped")
    reciter.will_say("And on.")
    window.ask("Go on")

    said = [one["content"] for one in reciter.asked[-1]]
    assert said == ["Say much", "As far as this. ", "Go on"]
    expect(window.page.get_by_text("As far as this.")).to_be_visible()


def test_a_stopped_answer_is_continued(window: Window, reciter: Reciter) -> None:
    reciter.will_say("One, two, ", PAUSE)
    window.send("Count")
    expect(window.prose).to_contain_text("One, two,")
    window.button("Stop").click()
    window.settle()
    reciter.will_say("three.")

    window.press("Continue")

    expect(window.prose).to_have_text(re.compile(r"One, two,\s+three\."))
    window.settle()
    assert reciter.asked[-1][-2]["content"] == "One, two, "


def test_an_answer_is_given_again_and_both_can_be_seen(window: Window, reciter: Reciter) -> None:
    reciter.will_say("Heads.")
    window.ask("Toss a coin")
    reciter.will_say("Tails.")

    window.press("Answer again")
    expect(window.prose).to_contain_text("Tails.")
    window.settle()
    expect(window.answer).to_contain_text("2/2")
    window.press("Previous alternative")

    expect(window.prose).to_contain_text("Heads.")
    expect(window.answer).to_contain_text("1/2")
    expect(window.answer.get_by_role("button", name="Next alternative")).to_be_focused()


def test_a_message_is_edited_and_the_old_one_stays_as_an_alternative(window: Window, reciter: Reciter) -> None:
    reciter.will_say("About cats.")
    window.ask("Tell me about cats")
    reciter.will_say("About dogs.")

    window.unfold(window.question, "Edit")
    window.page.get_by_label("Edited message").fill("Tell me about dogs")
    window.press("Send again")

    expect(window.prose).to_contain_text("About dogs.")
    window.settle()
    expect(window.page.locator(PERSON)).to_have_count(1)
    expect(window.question).to_contain_text("2/2")
    assert [one["content"] for one in reciter.asked[-1]] == ["Tell me about dogs"]
    window.press("Previous alternative", window.question)
    expect(window.prose).to_contain_text("About cats.")


def test_a_message_is_removed_with_what_follows(window: Window, reciter: Reciter) -> None:
    reciter.will_say("First answer.")
    window.ask("First")
    window.ask("Second")

    window.unfold(window.question, "Remove")
    window.press("Remove", window.question)

    expect(window.page.locator(PERSON)).to_have_count(1)
    window.ask("Third")
    assert [one["content"] for one in reciter.asked[-1]] == ["First", "First answer.", "Third"]


def test_an_answer_that_fails_half_way_stays_and_can_be_tried_again(window: Window, reciter: Reciter) -> None:
    reciter.will_say("Half of ", ends="cut")

    answer = window.ask("Tell me")
    expect(answer).to_contain_text("Half of")
    expect(answer.locator(".turn__problem")).to_be_visible()
    reciter.will_say("The whole.")
    window.press("Try again")

    expect(window.prose).to_contain_text("The whole.")
    window.settle()
    expect(window.answer.locator(".turn__problem")).to_have_count(0)


def test_words_come_back_when_the_server_refuses_them(window: Window, reciter: Reciter) -> None:
    asked = len(reciter.asked)
    words = "Precious words. " * 26_000

    window.send(words)

    expect(window.complaint).to_contain_text("too long")
    expect(window.words).to_have_value(words)
    expect(window.page.locator(PERSON)).to_have_count(0)
    expect(window.page.locator(".welcome")).to_be_visible()
    assert len(reciter.asked) == asked


def test_an_option_that_cannot_be_is_shown_instead_of_ignored(window: Window) -> None:
    temperature = window.page.get_by_label("Temperature", exact=True)
    window.page.locator("summary[title*=Instructions]").click()
    temperature.fill("9")
    window.page.locator("summary[title*=Instructions]").click()
    expect(temperature).to_be_hidden()

    window.send("Hello")

    expect(temperature).to_be_focused()
    expect(window.words).to_have_value("Hello")


def test_a_provider_that_refuses_offers_another_try(window: Window, reciter: Reciter) -> None:
    reciter.will_say(status=401)
    answer = window.ask("Hello?")
    expect(answer.locator(".turn__problem")).to_be_visible()
    reciter.will_say("Here I am.")

    window.press("Try again")

    expect(window.prose).to_contain_text("Here I am.")


def test_a_lost_connection_keeps_what_came(open_window: OpenWindow, reciter: Reciter, folders: pytest.TempPathFactory) -> None:
    with running("flask", settings_with(reciter, folders)) as dying:
        window = open_window()
        window.url = dying.url
        window.open()
        reciter.will_say("What came. ", PAUSE)
        window.send("Speak")
        expect(window.prose).to_contain_text("What came.")

        dying.kill_worker()

        expect(window.answer.locator(".turn__problem")).to_contain_text("The connection was lost. What came is kept.")
        expect(window.page.locator("[data-part=announcer]")).to_have_text("The connection was lost. What came is kept.")
        expect(window.complaint).to_have_count(0)  # once is enough
        expect(window.prose).to_contain_text("What came.")
        window.send("Are you there?")
        expect(window.complaint).to_contain_text("Your words are back below")
        expect(window.words).to_have_value("Are you there?")


def test_a_stopped_answer_of_a_saved_conversation_is_saved(window: Window, reciter: Reciter, name: str) -> None:
    window.register(name).keep_history().open()
    reciter.will_say("As far as this. ", PAUSE, "Not this.")
    window.send("Say much")
    expect(window.prose).to_contain_text("As far as this.")

    window.button("Stop").click()
    expect(window.answer.get_by_role("button", name="Continue")).to_be_visible()
    window.page.goto(window.page.url)

    expect(window.prose).to_have_text("As far as this.")
    expect(window.answer).to_contain_text("stopped")


def test_two_tabs_do_not_disturb_each_other(window: Window, reciter: Reciter) -> None:
    second = Window(window.page.context.new_page(), window.url).open()
    reciter.will_say("Yes.")

    window.ask("In the first tab")
    second.ask("In the second tab")
    window.ask("Again in the first")

    assert [one["content"] for one in reciter.asked[-1]] == ["In the first tab", "Yes.", "Again in the first"]
    expect(second.page.locator(PERSON)).to_have_count(1)


def test_leaving_asks_first_only_while_something_would_be_lost(window: Window, reciter: Reciter, server: Server) -> None:
    asked: list[Dialog] = []
    window.page.on("dialog", lambda dialog: asked.append(dialog))  # noqa: PLW0108  # Playwright marks what it calls
    window.page.on("dialog", lambda dialog: dialog.accept())
    reciter.will_say("Something.")
    window.page.reload()
    assert asked == []
    window.ready().ask("Something worth keeping")

    window.page.reload()

    assert [one.type for one in asked] == ["beforeunload"]


def test_instructions_and_temperature_reach_the_model(window: Window, reciter: Reciter) -> None:
    reciter.will_say("Arr.")
    window.page.locator("summary[title*=Instructions]").click()
    window.page.get_by_label("Instructions for this chat").fill("Speak like a pirate")
    window.page.keyboard.press("Escape")

    window.ask("Hello")

    assert reciter.asked[-1][0] == {"role": "system", "content": "Speak like a pirate"}


def test_the_picker_says_where_each_model_is_and_what_is_done_there(window: Window, reciter: Reciter) -> None:
    reciter.will_say("From afar.")
    summary = window.page.locator(".picker > summary")
    expect(summary).to_contain_text("Reciter")
    summary.click()
    models = window.page.locator(".picker__model")
    expect(models.filter(has_text="Distant")).to_contain_text(
        "Far Away · Iceland · keeps it for 30 days · does not train on it"
    )
    expect(models.filter(has_text="Pupil")).to_contain_text("may train on it")

    models.filter(has_text="Distant").click()

    expect(summary).to_contain_text("Distant")
    expect(window.page.locator(".storage__provider")).to_contain_text("Far Away · Iceland · keeps it for 30 days")
    window.ask("Hello")
    expect(window.answer).to_contain_text("Distant")


@pytest.fixture
def folders(tmp_path_factory: pytest.TempPathFactory) -> pytest.TempPathFactory:
    return tmp_path_factory
