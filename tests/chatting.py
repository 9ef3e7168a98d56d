"""The chat in tests: a site with models that answer, and its page as a person uses it, with and without JavaScript."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, stream_encode_multipart

from tests.browser import Browser, Element, Page, form_data
from tests.conftest import MakeApp
from tests.fakes import FakeProvider

# What the fake provider does for a model of that name (tests/fakes.py).
SCRIPTS = (
    *("ok", "slow", "stall", "endless", "cut", "error-event", "echo-400", "echo-500", "too-long", "reasoning", "length"),
    *("first-byte-never", "reset", "garbage", "no-done", "unauthorized"),
)
HERE = {"region": "this machine", "retention_days": 0, "trains": False, "checked": date(2026, 11, 21)}


def providers(fake_url: str) -> list[dict[str, Any]]:
    """The `providers` of a profile: `echo`, then every script of the fake provider as a model of that name.

    `sees` takes pictures, `claude` speaks the other protocol, `trains` may not be asked.
    """
    asked = {"base_url": f"{fake_url}/v1", "policy": HERE}
    return [
        {"id": "echo", "name": "Echo", "kind": "echo", "policy": HERE, "models": [_model("echo")]},
        {
            **{"id": "fake", "name": "Fake", "kind": "openai"} | asked,
            "models": [*map(_model, SCRIPTS), {**_model("sees", "ok"), "images": True}],
        },
        {
            **{"id": "other", "name": "Other", "kind": "anthropic"} | asked,
            "base_url": fake_url,
            "models": [_model("claude", "ok")],
        },
        {
            **{"id": "learner", "name": "Learner", "kind": "openai"} | asked,
            "policy": {**HERE, "trains": True},
            "models": [_model("trains", "ok")],
        },
    ]


def _model(name: str, upstream: str | None = None) -> dict[str, Any]:
    return {"id": name, "name": f"Model {name}", "upstream": upstream or name, "context": 200_000, "longest_answer": 4096}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture
def app(make_app: MakeApp, fake: FakeProvider) -> Flask:
    """A site whose models answer."""
    return make_app({"providers": providers(fake.url)})


@dataclass(frozen=True)
class Shown:
    """A turn as the page shows it."""

    id: str
    role: str
    text: str
    state: str
    problem: str
    place: str


class Chat:
    """The chat's page in one browser. Each act is the form's post; the page that comes back is the next one's form."""

    def __init__(self, client: Browser, path: str = "/") -> None:
        self.client = client
        self.page = client.page(path)
        self.status = 200

    def send(self, text: str, **fields: Any) -> "Chat":
        return self.act("send", text=text, **fields)

    def act(self, act: str, *, turn: str | None = None, **fields: Any) -> "Chat":
        """Post the form for `act` and follow to the page that answers; `status` and `page` are its own then."""
        response = self.post(f"/chat/{act}", turn=turn, **fields)
        self.status = response.status_code
        self.page = Page(response.get_data(as_text=True))
        return self

    def post(self, path: str, *, turn: str | None = None, **fields: Any) -> TestResponse:
        data = self.fields() | ({"turn": turn} if turn else {}) | fields
        data = {name: value for name, value in data.items() if value is not None}
        # Encoded here, because the test client would spool what is large to a file and leave it open.
        body, length, boundary = stream_encode_multipart(data, use_tempfile=False)
        kind = f'multipart/form-data; boundary="{boundary}"'
        return self.client.post(path, input_stream=body, content_length=length, content_type=kind, follow_redirects=True)

    def stream(self, act: str = "send", *, turn: str | None = None, **fields: Any) -> "Stream":
        """Post the form as the page's script does, and read the answer as it comes."""
        data = self.fields() | ({"turn": turn} if turn else {}) | fields
        return Stream(self.client.post(f"/chat/{act}/stream", data=data, content_type="multipart/form-data", buffered=False))

    def fields(self) -> dict[str, Any]:
        """What the form "chat" would send as it stands."""
        return form_data(self.page.by_id("chat"))

    @property
    def turns(self) -> list[Shown]:
        return [_shown(one) for one in self.page.all("article") if one.get("data-turn")]

    @property
    def said(self) -> list[str]:
        return [turn.text for turn in self.turns]

    @property
    def problem(self) -> str:
        """What stands above the composer."""
        return " ".join(one.text for one in self.page.all("div") if one.get("data-part") == "problem")

    @property
    def storage(self) -> str:
        return next(one.get("data-state") for one in self.page.all("div") if one.get("data-part") == "storage")

    @property
    def draft(self) -> str:
        return str(self.fields()["text"])

    @property
    def conversation(self) -> str:
        """The public id of the saved conversation that the page shows; empty for one that is not saved."""
        return str(self.fields().get("conversation", ""))


class Stream:
    """Server-sent events, read one by one."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self._chunks = response.iter_encoded() if response.is_streamed else iter(())
        self._rest = b""

    def next(self) -> tuple[str, dict[str, Any]] | None:
        """The next event, or None at the end."""
        while b"\n\n" not in self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return None
            self._rest += chunk
        event, _, self._rest = self._rest.partition(b"\n\n")
        return parse_event(event)

    def until(self, name: str) -> dict[str, Any]:
        """Read up to the event called `name` and return its data."""
        while (event := self.next()) is not None:
            if event[0] == name:
                return event[1]
        raise AssertionError(f"no event {name}")

    def all(self) -> list[tuple[str, dict[str, Any]]]:
        events = []
        while (event := self.next()) is not None:
            events.append(event)
        self.leave()
        return events

    def leave(self) -> None:
        """What the server does when it notices that the reader is gone."""
        self.response.close()


def parse_event(event: bytes) -> tuple[str, dict[str, Any]]:
    lines = dict(line.split(b": ", 1) for line in event.split(b"\n"))
    return lines[b"event"].decode(), json.loads(lines[b"data"])


def upload(name: str, data: bytes, kind: str = "text/plain") -> FileStorage:
    return FileStorage(BytesIO(data), name, content_type=kind)


def _shown(article: Element) -> Shown:
    classes = ("turn__words",) if "turn--person" in article.get("class") else ("prose",)
    text = " ".join(one.text for name in classes for one in article.with_class(name))
    problem = " ".join(one.text for one in article.with_class("turn__problem"))
    places = [one for group in article.with_class("turn__alternatives") for one in group.children if isinstance(one, Element)]
    place = " ".join(one.text for one in places if one.tag == "span")
    role = "user" if "turn--person" in article.get("class") else "assistant"
    return Shown(article.get("data-turn"), role, text, article.get("data-state"), problem, place)


def turn_history_on(client: Browser) -> None:
    """Switch history on in the settings of whoever is signed in."""
    client.post("/settings/privacy/history/give", data={"csrf_token": client.csrf("/settings/privacy")})
