"""Somebody with a browser, over real HTTP: the chat's page with and without JavaScript."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from chat.policy.scratch.client import ONLY_HERE
from tests.browser import Element, Page, form_data
from tests.people import PASSWORD

Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Upload:
    name: str
    data: bytes
    kind: str


class Visitor:
    """One browser: its cookies, and the page of the chat as it stands."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=30, trust_env=False, verify=ONLY_HERE, follow_redirects=True)
        self.fields: dict[str, str] = {}

    def open(self, path: str = "/") -> Page:
        """Open a page of the chat; its form is what is sent next."""
        return self._show(self.http.get(path))

    def send(self, text: str, model: str, *, act: str = "send", files: tuple[Upload, ...] = (), **fields: str) -> Page:
        """Send a message as a browser without JavaScript does."""
        data = self.fields | {"text": text, "model": model} | fields
        return self._show(self.http.post(f"/chat/{act}", content=_slowly(_multipart(data, files)), headers=_KIND))

    def stream(
        self,
        text: str,
        model: str,
        *,
        act: str = "send",
        files: tuple[Upload, ...] = (),
        stop_after: int = 10**9,
        **fields: str,
    ) -> list[Event]:
        """Send a message as the page's script does; leave after `stop_after` events."""
        data = self.fields | {"text": text, "model": model} | fields
        events: list[Event] = []
        request = self.http.build_request(
            "POST", f"/chat/{act}/stream", content=_slowly(_multipart(data, files)), headers=_KIND
        )
        response = self.http.send(request, stream=True)
        try:
            for event in _events(response):
                events.append(event)
                self._remember(event)
                if len(events) >= stop_after:
                    break
        except httpx2.TransportError:
            pass  # the server went away in the middle, which some tests are about
        finally:
            response.close()
        return events

    def upload(self, path: str, form: Element, file: Upload) -> httpx2.Response:
        """Send a form of another page with a file."""
        body = _multipart(form_data(form), (file,)).replace(b'name="files"', b'name="file"')
        return self.http.post(path, content=_slowly(body), headers=_KIND)

    def press(self, path: str) -> Page:
        """Press another button of the chat's form."""
        return self._show(self.http.post(path, data=self.fields))

    def register(self, name: str) -> None:
        page = Page(self.http.get("/register").text)
        data = form_data(page.form("/register")) | {
            "email": f"{name}@example.org", "display_name": name, "password": PASSWORD, "is_old_enough": "y",
        }  # fmt: skip
        assert self.http.post("/register", data=data).status_code == 200
        if "Sign out" not in self.open().text:
            login = Page(self.http.get("/login").text)
            self.http.post("/login", data=form_data(login.form("/login")) | {"email": data["email"], "password": PASSWORD})
        assert "Sign out" in self.open().text

    def keep_history(self) -> None:
        self.post("/settings/privacy/history/give")

    def post(self, path: str, **data: str) -> httpx2.Response:
        """Press a button of a settings page."""
        page = Page(self.http.get("/settings/privacy").text)
        token = next(one.get("value") for one in page.all("input") if one.get("name") == "csrf_token")
        return self.http.post(path, data={"csrf_token": token, **data})

    @property
    def cookies(self) -> bytes:
        """What the browser was given to keep."""
        return "\n".join(f"{one.name}={one.value}" for one in self.http.cookies.jar).encode()

    def close(self) -> None:
        self.http.close()

    def _show(self, response: httpx2.Response) -> Page:
        page = Page(response.text)
        forms = [one for one in page.all("form") if one.get("id") == "chat"]
        if forms:
            self.fields = form_data(forms[0])
        return page

    def _remember(self, event: Event) -> None:
        if "transcript" in event[1]:
            self.fields["transcript"] = event[1]["transcript"]
        if "conversation" in event[1]:
            self.fields.pop("transcript", None)
            self.fields["conversation"] = event[1]["conversation"]


_EDGE = "edge-of-a-part"
_KIND = {"Content-Type": f"multipart/form-data; boundary={_EDGE}"}


def _multipart(fields: dict[str, str], files: tuple[Upload, ...]) -> bytes:
    parts = [(f'name="{name}"', "", value.encode()) for name, value in fields.items()]
    parts += [(f'name="files"; filename="{one.name}"', f"Content-Type: {one.kind}\r\n", one.data) for one in files]
    lines = [f"--{_EDGE}\r\nContent-Disposition: form-data; {head}\r\n{kind}\r\n".encode() + data for head, kind, data in parts]
    return b"\r\n".join([*lines, f"--{_EDGE}--\r\n".encode()])


def _slowly(body: bytes) -> Iterator[bytes]:
    """A large body takes its time, as over a real line, so that a file it is spooled to would be seen."""
    step = max(65536, len(body) // 20)
    for start in range(0, len(body), step):
        yield body[start : start + step]
        if len(body) > step:
            time.sleep(0.01)


def _events(response: httpx2.Response) -> Iterator[Event]:
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
