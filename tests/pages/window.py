"""The chat as a person sees it in a real browser window, with JavaScript or without."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.people import PASSWORD

ANSWER = ".turn--answer"
PERSON = ".turn--person"


@dataclass
class Window:
    """One tab that looks at the site at `url`."""

    page: Page
    url: str
    scripts: bool = True

    def open(self, path: str = "/") -> "Window":
        self.page.goto(self.url + path)
        return self.ready()

    def ready(self) -> "Window":
        """Wait until the page's scripts have started."""
        if self.scripts:
            self.page.wait_for_selector("html[data-started]", state="attached")
        return self

    def send(self, text: str) -> "Window":
        """Send a message; without scripts the page that answers is loaded when this returns."""
        self.words.fill(text)
        if self.scripts:
            self.words.press("Enter")
        else:
            self.button("Send").click()
        return self

    def ask(self, text: str) -> Locator:
        """Send a message, wait for the end of the answer, and return it."""
        count = self.page.locator(f"{ANSWER}[data-turn]").count()
        self.send(text)
        expect(self.page.locator(f"{ANSWER}[data-turn]")).to_have_count(count + 1)
        self.settle()
        return self.answer

    def settle(self) -> None:
        """Wait until no answer is on its way."""
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)
        expect(self.page.locator(".turn__foot").last).to_be_visible()
        expect(self.button("Stop")).to_be_hidden()

    def press(self, name: str, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("button", name=name, exact=True).last.click()

    def button(self, name: str) -> Locator:
        return self.page.locator(".composer").get_by_role("button", name=name, exact=True)

    def unfold(self, turn: Locator, name: str) -> None:
        """Open what "Edit" or "Remove" of a message hide."""
        turn.hover()
        turn.locator(f"summary[title={name}]").click()

    @property
    def words(self) -> Locator:
        return self.page.locator("[data-part=words]")

    @property
    def answer(self) -> Locator:
        return self.page.locator(ANSWER).last

    @property
    def prose(self) -> Locator:
        return self.answer.locator(".prose").first

    @property
    def question(self) -> Locator:
        return self.page.locator(PERSON).last

    @property
    def state(self) -> Locator:
        return self.page.locator(".storage__state")

    @property
    def complaint(self) -> Locator:
        return self.page.locator(".composer [data-part=problem] .notice")

    def register(self, name: str) -> "Window":
        """Make an account and be signed in with it."""
        self.page.goto(f"{self.url}/register")
        self.fill_in_registration(name)
        return self

    def fill_in_registration(self, name: str) -> None:
        """Fill in and send the form of the page that is open: without mail to confirm by, that signs one in."""
        email = f"{name}@example.org"
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_label(re.compile("at least")).check()
        self.page.get_by_role("button", name="Create account").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def sign_in(self, email: str) -> None:
        """Fill in and send the form of the page that is open."""
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.locator("main").get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def keep_history(self) -> "Window":
        self.page.goto(f"{self.url}/settings/privacy")
        self.page.get_by_role("button", name="Agree and switch on").click()
        expect(self.page.locator(".switch__state")).to_contain_text("On since")
        return self

    def stored(self) -> Any:
        """What the browser keeps of the page in its storages."""
        return self.page.evaluate("() => ({...localStorage, ...sessionStorage})")
