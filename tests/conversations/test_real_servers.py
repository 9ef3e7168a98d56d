"""Stop means stop, and a crash loses the answer alone: with the real servers as processes, and real sockets that close."""

import re
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from chat.policy.scratch.client import ONLY_HERE
from tests.browser import Page, form_data
from tests.chatting import parse_event, providers
from tests.fakes import FakeProvider
from tests.people import PASSWORD
from tests.profiles import write_profile
from tests.servers import Kind, Server, running

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as one:
        yield one


@pytest.fixture(scope="module", params=["gunicorn", "flask"])
def server(
    request: pytest.FixtureRequest, provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    profile = write_profile(tmp_path_factory.mktemp("profile") / "site.toml", {"providers": providers(provider.url)})
    kind: Kind = request.param
    with running(kind, {"CHAT_PROFILE": str(profile)}) as one:
        yield one


@pytest.fixture(scope="module")
def alice(server: Server) -> Iterator[httpx2.Client]:
    """Alice's browser, signed in, history on."""
    with httpx2.Client(base_url=server.url, follow_redirects=True, timeout=30, trust_env=False, verify=ONLY_HERE) as client:
        fields = {"email": "alice@example.org", "display_name": "Alice", "password": PASSWORD}
        form = Page(client.get("/register").text).form("/register")
        client.post("/register", data={**form_data(form), **fields, "is_old_enough": "y"})
        page = Page(client.get("/settings/privacy").text)
        token = next(one.get("value") for one in page.all("input") if one.get("name") == "csrf_token")
        client.post("/settings/privacy/history/give", data={"csrf_token": token})
        assert "will_be_saved" in client.get("/").text
        yield client


@pytest.mark.parametrize(("model", "deltas"), [("stall", 1), ("endless", 5), ("first-byte-never", 0)])
def test_the_provider_sees_within_a_second_that_the_reader_left(
    server: Server, alice: httpx2.Client, provider: FakeProvider, model: str, deltas: int
) -> None:
    address = _ask_and_leave(alice, model, deltas)
    left_at = time.monotonic()

    call = provider.last()
    assert call.left.wait(3)
    assert call.left_at is not None
    assert call.left_at - left_at < 1
    assert _usage(server, model) == ("stopped", 1)
    page = alice.get(address).text
    assert "Asked and left" in page
    assert 'data-state="stopped"' in page
    assert ("word0" in page or "Hello" in page) == bool(deltas)


@pytest.mark.parametrize("model", ["ok", "echo", "cut"])
def test_a_saved_answer_ends_as_it_should(alice: httpx2.Client, model: str) -> None:
    with alice.stream("POST", "/chat/send/stream", data={**_form(alice), "text": "Hello", "model": model}) as answer:
        events = list(_events(answer))

    name, ending = events[-1]
    assert name == ("failed" if model == "cut" else "done")
    assert 'data-state="saved"' in ending["storage"]
    assert "Hello" in alice.get(ending["url"]).text


def test_a_guest_who_leaves_stops_the_provider_too(server: Server, provider: FakeProvider) -> None:
    with httpx2.Client(base_url=server.url, timeout=30, trust_env=False, verify=ONLY_HERE) as guest:
        _ask_and_leave(guest, "stall", 1)

    assert provider.last().left.wait(1)


def test_after_a_crash_the_question_is_there_and_can_be_asked_again(
    server: Server, alice: httpx2.Client, provider: FakeProvider
) -> None:
    form = _form(alice)
    with alice.stream("POST", "/chat/send/stream", data={**form, "text": "Survives a crash", "model": "endless"}) as answer:
        events = _events(answer)
        address = next(events)[1]["url"]
        next(events)
        server.kill_worker()
        with suppress(httpx2.HTTPError):
            deque(events, maxlen=0)
    if server.kind == "flask":
        assert server.process is not None
        server.process.wait(5)
        server.start()

    page = _when_up(alice, address)

    assert "Survives a crash" in page
    assert "No answer came" in page
    again = re.search(r'formaction="/chat/regenerate#latest" name="turn" value="([^"]+)"', page)
    assert again is not None
    form = _form(alice, address)
    answered = alice.post("/chat/regenerate", data={**form, "turn": again[1], "model": "ok"})
    assert "Hello, world." in answered.text


def _ask_and_leave(client: httpx2.Client, model: str, deltas: int) -> str:
    with client.stream("POST", "/chat/send/stream", data={**_form(client), "text": "Asked and left", "model": model}) as answer:
        assert answer.status_code == 200
        events = _events(answer)
        begun = next(events)[1]
        for _ in range(deltas):
            assert next(events)[0] == "text"
        if not deltas:
            time.sleep(0.3)
    return str(begun.get("url", ""))


def _events(answer: httpx2.Response) -> Iterator[tuple[str, dict[str, str]]]:
    rest = b""
    for chunk in answer.iter_raw():
        *whole, rest = (rest + chunk).split(b"\n\n")
        yield from map(parse_event, whole)


def _form(client: httpx2.Client, path: str = "/") -> dict[str, str]:
    return form_data(Page(client.get(path).text).by_id("chat"))


def _usage(server: Server, model: str) -> tuple[str, int]:
    """How the last call of `model` ended, and whether its counts are an estimate."""
    for _ in range(60):
        with closing(sqlite3.connect(Path(server.instance) / "candor.sqlite")) as connection:
            row = connection.execute(
                "SELECT status, estimated FROM usage WHERE model = ? ORDER BY id DESC LIMIT 1", (model,)
            ).fetchone()
        if row is not None:
            break
        time.sleep(0.05)
    status, estimated = row
    return str(status), int(estimated)


def _when_up(client: httpx2.Client, path: str) -> str:
    deadline = time.monotonic() + 20
    while True:
        try:
            response = client.get(path)
            assert response.status_code == 200
            return str(response.text)
        except httpx2.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
