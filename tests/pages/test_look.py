"""Each page as axe sees it, light and dark, wide and narrow; none scrolls sideways, none moves for who asked for stillness."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import OpenWindow
from tests.pages.reciter import PAUSE, Reciter
from tests.pages.window import Window

pytestmark = pytest.mark.browser

LOOKS: list[tuple[int, Literal["light", "dark"]]] = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
GUEST_PAGES = ("/", "/privacy", "/privacy/request", "/providers", "/login", "/register", "/reset", "/nothing-here")
OWN_PAGES = ("/", "/settings/privacy", "/verify")  # the rest of the settings: test_every_page.py
WIDE = """## A heading

A paragraph with a [link](https://example.org), `code` and **weight**, and averyveryverylongwordthatdoesnotfitanywhere{0}.

| {0} | second | third |
|---|---:|---|
| a cell | another | {0} |

- [x] done
- [ ] to do

```python
def a_function_with_a_long_line(argument, another):  # {0}{0}
    return argument + another
```

$$ \\sum_{{k=1}}^{{n}} k = \\frac{{n(n+1)}}{{2}} + a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q $$

> A quotation.
""".format("x" * 50)


def test_pages_are_accessible_and_fit(open_window: OpenWindow, axe: Callable[[Any], None], reciter: Reciter, name: str) -> None:
    window = open_window(reduced_motion="reduce")
    for path in GUEST_PAGES:
        _inspect(window.open(path), axe)
    reciter.will_say(WIDE, thinks="Some thoughts.")
    window.open().ask("A question " + "y" * 80)
    _inspect(window, axe)
    window.ask("Once more")
    window.press("Answer again")
    window.settle()
    _inspect(window, axe)
    for fold in ("summary[title=Edit]", ".picker > summary", ".options > summary", ".storage__where > summary"):
        window.page.locator(fold).last.click()
        _inspect(window, axe)
    window.page.locator(".turn--answer details.turn__reasoning summary").first.click()
    _inspect(window, axe)


def test_pages_of_an_account_are_accessible_and_fit(
    open_window: OpenWindow, axe: Callable[[Any], None], reciter: Reciter, name: str
) -> None:
    window = open_window(reduced_motion="reduce").register(name).keep_history().open()
    reciter.will_say("Noted.")
    window.ask("A conversation to keep " + "z" * 60)
    _inspect(window, axe)
    for path in OWN_PAGES:
        _inspect(window.open(path), axe)
    window.open("/history").page.locator(".history__list .entry__more > summary").click()
    window.page.locator("summary", has_text="Delete…").last.click()
    _inspect(window, axe)
    window.page.get_by_label("Search your conversations").fill("Noted")
    window.press("Search")
    expect(window.page.locator("mark")).to_have_count(1)
    _inspect(window, axe)


def test_the_drawer_of_conversations_opens_on_a_small_screen(
    open_window: OpenWindow, axe: Callable[[Any], None], name: str
) -> None:
    window = open_window(width=360).register(name).keep_history().open()
    expect(window.page.locator(".sidebar")).to_be_hidden()

    window.page.get_by_role("link", name="Show conversations").click()

    expect(window.page.locator(".sidebar")).to_be_visible()
    window.page.wait_for_timeout(300)  # it slides in
    axe(window.page)
    window.page.get_by_role("link", name="Hide conversations").click()
    expect(window.page.locator(".sidebar")).to_be_hidden()


def test_pages_without_scripts_fit(open_window: OpenWindow, reciter: Reciter) -> None:
    window = open_window(scripts=False, width=360).open()
    reciter.will_say(WIDE)

    window.ask("A question")

    assert _overhang(window) <= 0  # axe itself cannot run here

    unreadable = {"name": "x.bin", "mimeType": "application/octet-stream", "buffer": b"\0" * 500}
    window.page.locator("input[type=file]").set_input_files(unreadable)
    window.page.locator("textarea[name=text]").fill("w" * 200)
    window.page.locator("button.composer__send").first.click()

    expect(window.page.get_by_text("cannot be read")).to_be_visible()
    assert _overhang(window) <= 0


def test_nothing_moves_for_those_who_asked_for_stillness(open_window: OpenWindow, reciter: Reciter) -> None:
    window = open_window(reduced_motion="reduce").open()
    reciter.will_say(PAUSE, "Still.")
    window.send("Quiet, please")
    waiting = window.answer.locator(".turn__waiting")
    expect(waiting).to_be_visible()

    moving = window.page.evaluate("() => document.getAnimations().filter((one) => one.playState === 'running').length")

    assert moving == 0
    expect(waiting).to_have_css("animation-duration", "0s")
    expect(window.page.locator(".button").first).to_have_css("transition-duration", "0s")
    reciter.go_on.set()
    window.settle()


def _inspect(window: Window, axe: Callable[[Any], None]) -> None:
    for width, scheme in LOOKS:
        window.page.set_viewport_size({"width": width, "height": 800})
        window.page.emulate_media(color_scheme=scheme)
        # At the end of a page nothing lies half behind the composer, which axe would take for too small.
        window.page.evaluate("() => window.scrollTo(0, document.documentElement.scrollHeight)")
        assert _overhang(window) <= 0, f"{window.page.url} is too wide at {width}"
        axe(window.page)
    window.page.set_viewport_size({"width": 1280, "height": 800})


def _overhang(window: Window) -> int:
    overhang: int = window.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return overhang
