"""The keyboard alone does everything, one always sees where it is, and a screen reader is told without being flooded."""

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import OpenWindow
from tests.pages.reciter import PAUSE, Reciter
from tests.pages.window import Window

pytestmark = pytest.mark.browser

# What has the focus: its name, and whether one can see that it has it.
FOCUS = """() => {
  const element = document.activeElement
  const box = element.getBoundingClientRect()
  const marked = [element, element.closest(".composer__box, .composer__attach, .picker__model")].some((one) => {
    const style = one && getComputedStyle(one)
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
  })
  const inSight = box.width > 0 && box.bottom > 0 && box.top < innerHeight
  const opaque = !element.checkVisibility || element.checkVisibility({ opacityProperty: true }) || element.type === "file"
  const label = element.title || element.textContent.trim() || element.getAttribute("aria-label") || element.name
  return { label: label.split("\\n")[0].trim(), visible: marked && inSight && opaque, tag: element.tagName }
}"""


def test_a_conversation_is_held_with_the_keyboard_alone(window: Window, reciter: Reciter) -> None:
    keys = window.page.keyboard
    reciter.will_say("As far as this. ", PAUSE, "Too much.")
    expect(window.words).to_be_focused()
    keys.type("First line")
    keys.press("Shift+Enter")
    keys.type("second line")

    keys.press("Enter")
    expect(window.prose).to_contain_text("As far as this.")
    keys.press("Escape")
    window.settle()
    expect(window.question.locator(".turn__words")).to_have_text("First line\nsecond line")
    reciter.will_say("Better.")
    _tab_to(window.page, "Answer again", back=True)
    keys.press("Enter")
    expect(window.prose).to_contain_text("Better.")
    window.settle()
    _tab_to(window.page, "Previous alternative", back=True)
    keys.press("Enter")

    expect(window.prose).to_contain_text("As far as this.")


def test_a_message_is_edited_and_removed_with_the_keyboard_alone(window: Window, reciter: Reciter) -> None:
    keys = window.page.keyboard
    reciter.will_say("Noted.")
    window.ask("Old words")
    _tab_to(window.page, "Edit", back=True)
    keys.press("Enter")
    _tab_to(window.page, "Old words", tag="TEXTAREA")
    keys.press("Control+a")
    keys.type("New words")
    _tab_to(window.page, "Send again")

    keys.press("Enter")
    expect(window.question.locator(".turn__words")).to_have_text("New words")
    window.settle()
    _tab_to(window.page, "Remove", back=True)
    keys.press("Enter")
    keys.press("Escape")

    expect(window.page.locator("details.turn__fold[open]")).to_have_count(0)
    assert window.page.evaluate(FOCUS)["label"] == "Remove"


def test_a_model_is_chosen_with_the_keyboard_alone(window: Window) -> None:
    keys = window.page.keyboard
    _tab_to(window.page, "Model:")
    keys.press("Enter")
    keys.press("Tab")

    keys.press("ArrowDown")
    keys.press("Escape")

    expect(window.page.locator(".picker > summary")).to_contain_text("Distant")
    expect(window.page.locator(".picker > summary")).to_be_focused()


@pytest.mark.parametrize("path", ["/", "/privacy", "/login", "/history", "/settings/privacy", "/settings/security"])
def test_the_focus_is_seen_wherever_it_goes(open_window: OpenWindow, reciter: Reciter, name: str, path: str) -> None:
    window = open_window()
    if path != "/login":
        window.register(name).keep_history().open()
        reciter.will_say("Noted.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```")
        window.ask("Something")
    window.open(path)

    seen = _walk(window.page)

    assert len(seen) > 4
    assert [one["label"] for one in seen if not one["visible"]] == []


def test_the_skip_link_leads_to_the_content(window: Window) -> None:
    window.page.goto(f"{window.url}/privacy")
    window.page.keyboard.press("Tab")
    expect(window.page.locator(".skip")).to_be_focused()

    window.page.keyboard.press("Enter")

    expect(window.page.locator("main")).to_be_focused()


def test_single_keys_lead_around_and_can_be_switched_off(window: Window) -> None:
    keys = window.page.keyboard
    window.page.locator("main").focus()
    keys.press("?")
    dialog = window.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Use single keys").uncheck()
    keys.press("Escape")
    window.page.locator("main").focus()

    keys.press("i")

    expect(window.words).not_to_be_focused()
    assert window.stored() == {"keys-off": "1"}


def test_an_answer_is_told_in_sentences_not_in_tokens(window: Window, reciter: Reciter) -> None:
    sentences = [f"This is sentence number {number} of many." for number in range(40)]
    reciter.will_say(" ".join(sentences), gap=0.03)
    window.page.evaluate(
        """() => {
          window.told = []
          const region = document.querySelector("[data-part=announcer]")
          new MutationObserver(() => window.told.push(region.textContent)).observe(region, { childList: true, subtree: true })
        }"""
    )

    window.ask("Tell me a long story")

    told: list[str] = window.page.evaluate("() => window.told")
    assert told[0] == "The answer is arriving."
    assert told[-1].endswith("The answer is complete.")
    assert 3 <= len(told) <= 8
    assert all(one.rstrip().endswith(".") for one in told)
    heard = " ".join(told)
    assert [one for one in sentences if one not in heard] == []


def _tab_to(page: Page, label: str, *, back: bool = False, tag: str = "") -> None:
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        focus = page.evaluate(FOCUS)
        if focus["label"].startswith(label) and (not tag or focus["tag"] == tag):
            page.wait_for_timeout(200)  # what hides its tools until then shows them in 120 ms
            assert page.evaluate(FOCUS)["visible"], focus
            return
    raise AssertionError(f"the keyboard does not reach {label!r}")


def _walk(page: Page) -> list[dict[str, object]]:
    """Press Tab from the page's beginning to its end."""
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0) }")
    page.locator("body").click(position={"x": 1, "y": 1})
    seen: list[dict[str, object]] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["tag"] == "BODY":
            break
        seen.append(focus)
    return seen
