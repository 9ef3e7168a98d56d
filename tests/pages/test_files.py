"""Files by button, by paste and by drop, with what can be done about them before they are sent."""

import base64

import pytest
from playwright.sync_api import FilePayload, Locator, expect

from tests.images import png
from tests.pages.reciter import Reciter
from tests.pages.window import Window

pytestmark = pytest.mark.browser

NOTES: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"milk, bread"}
# What a browser makes of a paste or a drop of a file, which no keyboard or mouse of a test can do.
TRANSFER = """(element, [type, name, kind, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0))
  const transfer = new DataTransfer()
  transfer.items.add(new File([bytes], name, { type: kind }))
  const options = { bubbles: true, cancelable: true }
  const event = type === "paste"
    ? new ClipboardEvent(type, { ...options, clipboardData: transfer })
    : new DragEvent(type, { ...options, dataTransfer: transfer })
  element.dispatchEvent(event)
}"""


def test_a_file_is_chosen_by_button_and_goes_along(window: Window, reciter: Reciter) -> None:
    reciter.will_say("A shopping list.")
    with window.page.expect_file_chooser() as chooser:
        window.page.get_by_title("Attach files").click()
    chooser.value.set_files([NOTES])
    expect(_chips(window)).to_contain_text("notes.txt")

    window.ask("What is this?")

    expect(window.question.locator(".chip")).to_contain_text("notes.txt")
    expect(_chips(window)).to_have_count(0)
    assert "milk, bread" in str(reciter.asked[-1])


def test_a_picture_is_pasted_and_shown(window: Window, reciter: Reciter) -> None:
    reciter.will_say("A picture.")

    window.words.evaluate(TRANSFER, ["paste", "pasted.png", "image/png", base64.b64encode(png()).decode()])

    expect(_chips(window).locator("img")).to_be_visible()
    window.ask("What do you see?")
    expect(window.question.locator(".chip img")).to_be_visible()
    assert "image_url" in str(reciter.asked[-1])


def test_a_file_is_dropped_anywhere_on_the_page(window: Window) -> None:
    data = base64.b64encode(b"dropped words").decode()
    thread = window.page.locator("[data-part=thread]")
    thread.evaluate(TRANSFER, ["dragover", "dropped.md", "text/markdown", data])
    expect(window.page.locator(".composer__box--over")).to_have_count(1)

    thread.evaluate(TRANSFER, ["drop", "dropped.md", "text/markdown", data])

    expect(_chips(window)).to_contain_text("dropped.md")
    expect(window.page.locator(".composer__box--over")).to_have_count(0)


def test_a_file_is_taken_off_again(window: Window, reciter: Reciter) -> None:
    reciter.will_say("Nothing.")
    window.page.locator(".composer__file").set_input_files([NOTES, _named("more.txt")])
    expect(_chips(window)).to_have_count(2)

    window.press("Remove notes.txt")

    expect(_chips(window)).to_have_count(1)
    expect(window.words).to_be_focused()
    window.ask("What came?")
    assert "more.txt" in str(reciter.asked[-1])
    assert "notes.txt" not in str(reciter.asked[-1])


def test_files_that_cannot_go_along_are_refused_at_once(window: Window) -> None:
    field = window.page.locator(".composer__file")

    field.set_input_files({"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"film"})
    expect(window.complaint).to_have_text("film.mp4 is not a kind of file that can be read here.")
    field.set_input_files({"name": "huge.txt", "mimeType": "text/plain", "buffer": b"x" * (11 * 2**20)})
    expect(window.complaint).to_have_text("huge.txt is larger than 10 MB.")
    field.set_input_files([_named(f"{number}.txt") for number in range(9)])

    expect(window.complaint).to_have_text("At most 8 files fit one message.")
    expect(_chips(window)).to_have_count(8)


def test_a_file_that_the_server_cannot_read_comes_back_with_the_words(window: Window) -> None:
    window.page.locator(".composer__file").set_input_files(
        {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 and then nothing of the kind"}
    )
    expect(_chips(window)).to_have_count(1)

    window.send("Read this")

    expect(window.complaint).to_contain_text("This PDF cannot be read")
    expect(window.words).to_have_value("Read this")
    expect(_chips(window)).to_contain_text("broken.pdf")


def _named(name: str) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": b"more"}


def _chips(window: Window) -> Locator:
    return window.page.locator(".composer__chips .chip")
