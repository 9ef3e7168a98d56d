"""What a hostile model may write, in a real browser: nothing runs, nothing is loaded, nothing looks like ours."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import OpenWindow
from tests.pages.reciter import PAUSE, Reciter
from tests.pages.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])]

HOSTILE = """<script>window.owned = 1; new Image().src = "{beacon}/script"</script>

<img src=x onerror="window.owned = 2"><img src="{beacon}/img"><svg onload="window.owned = 3">
<iframe src="{beacon}/frame"></iframe>

![x]({beacon}/markdown) ![y][ref] ![z](  <{beacon}/angle> "title")

[ref]: {beacon}/reference

[a](javascript:window.owned=4) [b](data:text/html,<script>window.owned=5</script>) [c](vbscript:x)
[d]( jAvAsCrIpT:window.owned=6)
[e](//127.0.0.1/relative) [f](/logout) <javascript:window.owned=7> [g](java\tscript:window.owned=8)
[h](&#106;avascript:window.owned=9)

<style>body {{ display: none; background: url({beacon}/style) }}</style>
<link rel="stylesheet" href="{beacon}/sheet"><base href="{beacon}/"><meta http-equiv="refresh" content="0;url={beacon}/refresh">
<p style="position:fixed;inset:0;background:url({beacon}/inline)" class="notice">Ours?</p>
<form action="{beacon}/form"><button>Sign in</button></form>

```html" onmouseover="window.owned=10
<b>code</b>
```

```<img/src={beacon}/fence>
code
```

$\\href{{javascript:window.owned=11}}{{x}}$ $\\includegraphics{{{beacon}/tex}}$

| <img src={beacon}/cell> | [x](javascript:window.owned=12) |
|---|---|
| ![p]({beacon}/tablepicture) | <u onclick=window.owned=13>u</u> |

- [x] <input autofocus onfocus=window.owned=14>

[normal](https://example.org/normal) The end of it.

$$\\style{{background:url({beacon}/mathstyle)}}{{x}}$$
"""
EVIL = "script, iframe, img, svg:not(.icon), style, link, base, meta, form, input, button:not(.button), object, embed, video"


def test_hostile_markdown_neither_runs_nor_calls_home(
    open_window: OpenWindow, reciter: Reciter, beacon: "Beacon", *, scripts: bool
) -> None:
    window = open_window(scripts=scripts).open()
    reciter.will_say(HOSTILE.format(beacon=beacon.url), *((PAUSE,) if scripts else ()), "\n\nReally.", thinks="<img src=x>")

    window.send("Attack me")
    if scripts:
        expect(window.prose).to_contain_text("The end of it")
        _check(window)  # while it arrives, when the page's own script has written it
        reciter.go_on.set()
    window.settle()

    expect(window.prose).to_contain_text("Really.")
    _check(window)
    assert beacon.asked == []


def test_hostile_words_of_a_person_are_words(
    open_window: OpenWindow, reciter: Reciter, beacon: "Beacon", *, scripts: bool
) -> None:
    reciter.will_say("Well.")
    window = open_window(scripts=scripts).open()
    words = f'"><img src="{beacon.url}/person"><script>window.owned = 1</script></textarea><b>'

    window.ask(words)

    expect(window.question.locator(".turn__words")).to_have_text(words)
    assert window.question.locator("b, img, script").count() == 0
    assert beacon.asked == []


def _check(window: Window) -> None:
    prose = window.prose
    assert window.page.evaluate("() => window.owned") is None
    assert prose.locator(EVIL).count() == 0
    assert prose.locator("[style], [onclick], [onmouseover], [onerror], [id], [name]").count() == 0
    assert prose.locator(".notice, .button--main").count() == 0
    targets = prose.locator("a").evaluate_all("(links) => links.map((one) => [one.getAttribute('href'), one.rel])")
    assert any("example.org/normal" in str(href) for href, _ in targets)
    for href, rel in targets:
        assert href is None or (href.startswith(("http://", "https://", "mailto:")) and "noopener" in rel), href
    assert window.page.url.startswith(window.url)


class Beacon(ThreadingHTTPServer):
    """A server that hopes to be called."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Listener)
        self.asked: list[bytes] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Listener(BaseHTTPRequestHandler):
    server: Beacon
    raw_requestline: bytes

    def parse_request(self) -> bool:
        self.server.asked.append(self.raw_requestline)
        return False


@pytest.fixture
def beacon() -> Iterator[Beacon]:
    with Beacon() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(5)
