"""The chat page, cold: weight, requests and time until one can type; and the server's time for it with 10,000 conversations.

python -m tests.bench.page
"""

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.bench.machine import Figure, show
from tests.bench.seed import site_with_history
from tests.chatting import providers
from tests.conftest import CHROMIUM_FLAGS
from tests.profiles import write_profile
from tests.servers import running


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = [*_cold(Path(folder)), *_with_history(Path(folder))]
    show("The chat page", figures)


def _cold(folder: Path) -> list[Figure]:
    profile = write_profile(folder / "profile.toml", {"providers": providers("http://127.0.0.1:9")})
    settings = {"CHAT_PROFILE": str(profile)}
    with running("gunicorn", settings) as server, sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        runs = [_load(browser, server.url) for _ in range(7)]
        browser.close()
    weight, requests, usable, elsewhere = (statistics.median(one) for one in zip(*runs, strict=True))
    return [
        Figure("weight, compressed, with headers", weight / 1024, "KB", most=70),
        Figure("requests", requests, "", most=10),
        Figure("requests to anybody else", elsewhere, "", most=0),
        Figure("usable (scripts run, composer takes words), median of 7", usable, "ms", most=500),
    ]


def _load(browser: Any, url: str) -> tuple[float, float, float, float]:
    """Open the page in a fresh profile, and return its bytes, its requests, when it was usable, and requests elsewhere."""
    context = browser.new_context()
    tab = context.new_page()
    wire = context.new_cdp_session(tab)
    sizes: list[float] = []
    asked: list[str] = []
    wire.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    wire.send("Network.enable")
    tab.goto(url, wait_until="load")
    tab.wait_for_selector("textarea[name=text]:visible")
    usable = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    tab.wait_for_timeout(300)
    context.close()
    loaded = [one for one in asked if not one.startswith(("data:", "blob:"))]
    return sum(sizes), len(loaded), usable, sum(not one.startswith(url) for one in loaded)


def _with_history(folder: Path) -> list[Figure]:
    figures = []
    for count in (0, 10_000):
        place = folder / str(count)
        place.mkdir()
        with site_with_history(place, conversations=count, turns=2, length=200) as (_app, client):
            times = []
            for _ in range(120):
                began = time.perf_counter()
                # Flask's own client: the page checks of ours would be measured with it.
                response = super(type(client), client).open("/")
                times.append((time.perf_counter() - began) * 1000)
                assert response.status_code == 200
        most = 15 if count else None
        figures.append(
            Figure(f"server's time with {count:,} conversations, median", statistics.median(times[20:]), "ms", most=most)
        )
    return figures


if __name__ == "__main__":
    main()
