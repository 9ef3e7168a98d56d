"""Somebody with a browser, over real HTTP: its cookies, its forms, and the chat's page with and without scripts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chat.kernel.network import forwarded
from chat.policy.promise import Broken
from chat.policy.scratch.client import open_client
from chat.policy.scratch.page import Page, form_data

if TYPE_CHECKING:
    import httpx2

Event = tuple[str, dict[str, Any]]
Fields = Mapping[str, str | list[str] | None]
_AGENT = "Scratch/1.0 (X11; Linux x86_64) Firefox/140.0"


@dataclass(frozen=True)
class Upload:
    """A file to attach."""

    name: str
    data: bytes
    kind: str = "text/plain"


class Visitor:
    """One browser at one address. What it posts to a page's form is what the form holds, with the given fields over it.

    `address` is one of this machine's own (127.0.0.0/8), so that each visitor is counted by itself; behind `hops` reverse
    proxies it is what they would forward.
    """

    def __init__(self, url: str, address: str, *, hops: int = 0) -> None:
        self.address = address
        self.fields: dict[str, str] = {}
        # Over plain HTTP on loopback, also where the site's cookies are for HTTPS only: behind its proxy it speaks HTTP too.
        jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self.http = open_client(
            url, address=address if not hops else None, cookies=jar, follow_redirects=True,
            headers={"User-Agent": _AGENT} | forwarded(address, hops),
        )  # fmt: skip

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.http.get(path, **options)

    def page(self, path: str) -> Page:
        """Open `path`, following redirects. Raises Broken if there is no such page."""
        response = self.http.get(path)
        if response.status_code != 200:
            raise Broken(f"The page {path} answered {response.status_code}.")
        return Page(response.text)

    def submit(
        self, path: str, fields: Fields | None = None, *, action: str | None = None, button: str | None = None
    ) -> httpx2.Response:
        """Open the page at `path` and send its form: the one with `action` in its address, or the only one of the page.

        A field of None is left out, as an unticked box is; a list is boxes of one name that are ticked. Where the password is
        asked for once more, it is given.
        """
        shown = self.http.get(path)
        if urlsplit(str(shown.url)).path == "/verify":
            self._prove(shown)
            shown = self.http.get(path)
        response = self._send_form(shown, fields or {}, action, button)
        if urlsplit(str(response.url)).path == "/verify":
            self._prove(response)
            response = self._send_form(self.http.get(path), fields or {}, action, button)
        return response

    def _send_form(self, shown: httpx2.Response, fields: Fields, action: str | None, button: str | None) -> httpx2.Response:
        form = Page(shown.text).form(action)
        data = {name: value for name, value in (form_data(form, button) | dict(fields)).items() if value is not None}
        target = form.get("action") or str(shown.url)
        if form.get("method").lower() != "post":
            return self.http.get(target, params=data)
        if form.get("enctype") == "multipart/form-data":
            return self.http.post(target, content=_multipart(data, ()), headers=_KIND)
        return self.http.post(target, data=data)

    def _prove(self, shown: httpx2.Response) -> None:
        """Say that it is still oneself; somebody without a password cannot."""
        raise Broken(f"The password was asked for at {shown.url} of somebody who has none.")

    def token(self, path: str = "/") -> str:
        """Return the CSRF token of the forms on the page at `path`."""
        return token_on(self.page(path))

    def post(self, path: str, *, page: str = "/", **data: str) -> httpx2.Response:
        """Post `data` to `path` with a token from another page: what a button does whose form is of no interest."""
        return self.http.post(path, data={"csrf_token": self.token(page), **data})

    def open(self, path: str = "/") -> Page:
        """Open a page of the chat; its form is what is sent next."""
        return self._show(self.http.get(path))

    def say(
        self, text: str, model: str | None = None, *, act: str = "send", files: tuple[Upload, ...] = (), **fields: str
    ) -> Page:
        """Send a message as a browser without scripts does."""
        return self._show(
            self.http.post(f"/chat/{act}", content=_slowly(self._form(text, model, files, fields)), headers=_KIND)
        )

    def stream(
        self, text: str, model: str | None = None, *, act: str = "send", files: tuple[Upload, ...] = (),
        leave_after: int = 10**9, **fields: str,
    ) -> list[Event]:  # fmt: skip
        """Send a message as the page's script does, and return the events; leave after so many of them."""
        events: list[Event] = []
        body = _slowly(self._form(text, model, files, fields))
        with self.http.stream("POST", f"/chat/{act}/stream", content=body, headers=_KIND) as response:
            for event in _events(response):
                events.append(event)
                self._remember(event)
                if len(events) >= leave_after:
                    break
        return events

    def press(self, path: str) -> Page:
        """Press another button of the chat's form."""
        return self._show(self.http.post(path, data=self.fields))

    @property
    def cookies(self) -> bytes:
        """What the browser was given to keep."""
        return "\n".join(f"{one.name}={one.value}" for one in self.http.cookies.jar).encode()

    def _form(self, text: str, model: str | None, files: tuple[Upload, ...], fields: dict[str, str]) -> bytes:
        return _multipart(self.fields | {"text": text} | ({"model": model} if model else {}) | fields, files)

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


class Person(Visitor):
    """Somebody with an account, who can prove it."""

    email = ""
    password = ""
    name = ""

    def sign_in(self, *, keep: bool = False) -> httpx2.Response:
        ticked = {"keep_signed_in": "y"} if keep else {}
        return self.submit("/login", {"email": self.email, "password": self.password} | ticked, action="/login")

    def sign_out(self) -> httpx2.Response:
        return self.submit("/settings/privacy", action="/logout")

    def is_signed_in(self) -> bool:
        return is_for_somebody(self.page("/"))

    def give(self, purpose: str) -> httpx2.Response:
        """Consent to `purpose` in the settings."""
        return self.submit("/settings/privacy", action=f"/{purpose}/give")

    def withdraw(self, purpose: str, **fields: str) -> httpx2.Response:
        """Withdraw the consent in the settings."""
        return self.submit("/settings/privacy", fields, action=f"/{purpose}/withdraw")

    def _prove(self, shown: httpx2.Response) -> None:
        self._send_form(shown, {"password": self.password}, "/verify", None)


def token_on(page: Page) -> str:
    """Return the CSRF token of the page's forms."""
    return next(one.get("value") for one in page.all("input") if one.get("name") == "csrf_token")


def is_for_somebody(page: Page) -> bool:
    """Return whether the page was made for somebody signed in."""
    return any(one.get("action") == "/logout" for one in page.all("form"))


_EDGE = "edge-of-a-part"
_KIND = {"Content-Type": f"multipart/form-data; boundary={_EDGE}"}


def _multipart(fields: Mapping[str, str], files: tuple[Upload, ...]) -> bytes:
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
