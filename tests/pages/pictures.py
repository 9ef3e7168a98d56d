"""Takes the pictures that the README shows, from the real server and a model that gives one good-looking answer.

python -m tests.pages.pictures
"""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from chat.kernel.settings import ROOT
from tests.chatting import HERE
from tests.conftest import CHROMIUM_FLAGS
from tests.pages.reciter import Reciter
from tests.pages.window import Window
from tests.profiles import write_profile
from tests.servers import Server, running

PICTURES = ROOT / "docs" / "pictures"
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}

QUESTION = "How does money grow with interest?"
ANSWER = """Each year pays interest on the interest before, so money grows by the **same factor** every time:

$$ A = P \\, (1 + r)^{t} $$

| Years | at 3 % | at 5 % |
|---|---:|---:|
| 10 | 1,344 | 1,629 |
| 20 | 1,806 | 2,653 |

```python
def grown(amount, rate, years):
    # The same factor, once for each year.
    return amount * (1 + rate) ** years
```
"""
EARLIER = (
    ("Plan three quiet days in Ghent", "Day one: the castle and the canals."),
    ("Names for a small bakery", "Crumb, Early Oven, The Second Rise."),
    ("Explain tides to a child", "The moon pulls at the sea."),
    ("Rewrite my cover letter", "Dear reader, I mend bicycles and code."),
    (QUESTION, ANSWER),
)


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Reciter() as reciter,
        running("flask", {"CHAT_PROFILE": str(_profile(Path(folder), reciter))}) as server,
        sync_playwright() as playwright,
    ):
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        _take(browser, reciter, server)
        browser.close()


def _take(browser: Browser, reciter: Reciter, server: Server) -> None:
    url = server.url
    reciter.will_say(ANSWER)
    for scheme in ("light", "dark"):
        window = _window(browser, url, scheme)
        if scheme == "light":
            _keep(window, "new-light")
        window.ask(QUESTION)
        _keep(window, f"chat-{scheme}")
    phone = _window(browser, url, "dark", PHONE)
    phone.ask(QUESTION)
    _keep(phone, "phone-dark")
    person = _window(browser, url, "light").register("ada").keep_history()
    for question, answer in EARLIER:
        reciter.will_say(answer)
        person.open().ask(question)
    _age(server)
    person.page.reload()
    _keep(person.ready(), "history-light")
    person.page.emulate_media(color_scheme="dark")
    person.page.goto(f"{url}/settings/privacy")
    _keep(person, "privacy-dark")
    _check_promises(server)
    person.page.emulate_media(color_scheme="light")
    for path, name in (("/settings/data", "data-light"), ("/privacy", "policy-light")):
        person.page.goto(url + path)
        _keep(person, name)


def _check_promises(server: Server) -> None:
    """Let the site check its promises, as its operator would."""
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "privacy", "verify"]
    subprocess.run(command, cwd=server.folder / "cwd", env=server.environment, check=True)


def _age(server: Server) -> None:
    """Make a history of several days out of one that is a minute old."""
    with closing(sqlite3.connect(server.instance / "candor.sqlite")) as database:
        database.execute("UPDATE conversation SET pinned = 1 WHERE id = 1")
        for span, row in (("-1 day", 4), ("-1 day", 3), ("-4 days", 2)):
            earlier = "strftime('%Y-%m-%d %H:%M:%f000', updated_at, ?)"
            database.execute(f"UPDATE conversation SET updated_at = {earlier} WHERE id = ?", (span, row))
        database.commit()


def _window(browser: Browser, url: str, scheme: Any, size: ViewportSize = WIDE) -> Window:
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    return Window(context.new_page(), url).open()


def _keep(window: Window, name: str) -> None:
    """Write the picture in 256 colours: the pages have few, and people load it with the README."""
    window.page.mouse.move(0, 0)
    path = PICTURES / f"{name}.png"
    window.page.screenshot(path=path)
    subprocess.run(["convert", path, "-strip", "+dither", "-colors", "256", f"PNG8:{path}"], check=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} KB")


def _profile(folder: Path, reciter: Reciter) -> Path:
    model: Mapping[str, object] = {"id": "smollm2-135m", "name": "SmolLM2 135M", "upstream": "recite"}
    provider = {"id": "embedded", "name": "This machine", "kind": "openai", "base_url": reciter.url, "policy": HERE}
    models = [{**model, "context": 8192, "longest_answer": 2048}]
    return write_profile(folder / "profile.toml", {"providers": [{**provider, "models": models}]})


if __name__ == "__main__":
    main()
