"""In the browser: from Enter to the first word of the answer on the page, with a provider that answers in 20 ms.

python -m tests.bench.enter
"""

import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.bench.machine import Figure, show
from tests.chatting import HERE
from tests.conftest import CHROMIUM_FLAGS
from tests.fakes import FakeProvider
from tests.profiles import write_profile
from tests.servers import running

# Notes when Enter was pressed, and when the answer that arrives first has words.
WATCH = """() => {
  window.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { window.pressed = performance.now(); window.shown = null }
  }, true)
  new MutationObserver(() => {
    if (window.shown !== null) return
    const articles = document.querySelectorAll("article.turn:not(.turn--person) .prose")
    const last = articles[articles.length - 1]
    if (articles.length === window.expected && last.textContent.trim()) window.shown = performance.now()
  }).observe(document.body, { childList: true, subtree: true, characterData: true })
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, FakeProvider() as fake, sync_playwright() as playwright:
        model = {"id": "soon", "name": "Soon", "upstream": "soon", "context": 200_000, "longest_answer": 4096}
        asked = {"kind": "openai", "base_url": f"{fake.url}/v1", "policy": HERE, "models": [model]}
        changes = {"providers": [{"id": "fake", "name": "Fake"} | asked], "limits.guest_messages": "10000/hour"}
        profile = write_profile(Path(folder) / "profile.toml", changes)
        with running("gunicorn", {"CHAT_PROFILE": str(profile)}) as server:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
            tab = browser.new_page()
            tab.goto(server.url, wait_until="load")
            tab.evaluate(WATCH)
            times = [_send(tab, number) for number in range(1, 31)]
            browser.close()
        show(
            "From Enter to the first word on the page, 30 messages of one conversation",
            [
                Figure("median", statistics.median(times), "ms", most=60),
                Figure("slowest tenth", statistics.quantiles(times, n=10)[-1], "ms"),
                Figure("calls of the provider for each message", len(fake.calls) / len(times), "", most=1),
            ],
        )


def _send(tab: Any, number: int) -> float:
    tab.evaluate("(number) => { window.expected = number }", number)
    tab.fill("textarea[name=text]", f"Message {number}")
    tab.press("textarea[name=text]", "Enter")
    tab.wait_for_function("() => window.shown", timeout=10_000)
    # The next message may be sent once this answer is complete.
    tab.wait_for_function("() => !document.querySelector('[data-part=stop]:not([hidden])')", timeout=10_000)
    elapsed: float = tab.evaluate("() => window.shown - window.pressed")
    return elapsed


if __name__ == "__main__":
    main()
