"""A letterhead is what the provider's own SDK writes above a request, whatever address and key it is filled in with."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import anthropic
import httpx2
import openai
import pytest

from chat.providers.letterhead import SDKS, Form, Letterhead, Letterheads, ask_sdks

ADDRESSES = ("https://api.example.org/v1", "http://127.0.0.1:8123/v1/", "https://[2001:db8::1]:8443/a/b%20c", "http://host")


class _Kept(httpx2.BaseTransport):
    def __init__(self) -> None:
        self.request: httpx2.Request | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.request = request
        raise httpx2.ConnectError("not sent")


class _Sdks:
    """What the installed SDKs really answer, and how often they were asked."""

    def __init__(self, forms: dict[str, Form]) -> None:
        self._forms = forms
        self.asked = 0

    def ask(self) -> dict[str, Form]:
        self.asked += 1
        return dict(self._forms)


@pytest.fixture(scope="module")
def forms() -> dict[str, Form]:
    return ask_sdks()


@pytest.fixture
def sdks(forms: dict[str, Form], monkeypatch: pytest.MonkeyPatch) -> _Sdks:
    monkeypatch.setattr(Letterheads, "_forms", {})  # as in a process that has just started
    return _Sdks(forms)


@pytest.mark.parametrize("address", ADDRESSES)
def test_openais_is_its_sdks(address: str, letterheads: Letterheads) -> None:
    kept = _Kept()
    with httpx2.Client(transport=kept) as client, suppress(openai.APIConnectionError):
        asking = openai.OpenAI(api_key="sk-1", base_url=address, max_retries=0, http_client=client)
        asking.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)

    _is_the_same(letterheads.write("openai", address, "sk-1"), kept.request)


@pytest.mark.parametrize("address", ADDRESSES)
def test_anthropics_is_its_sdks(address: str, letterheads: Letterheads) -> None:
    kept = _Kept()
    with httpx2.Client(transport=kept) as client, suppress(anthropic.APIConnectionError):
        asking = anthropic.Anthropic(api_key="sk-1", base_url=address, max_retries=0, http_client=client)
        asking.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "Hi"}], stream=True)

    _is_the_same(letterheads.write("anthropic", address, "sk-1"), kept.request)


def test_the_sdks_are_asked_once_and_see_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    run = subprocess.run

    def noted(*args: object, **options: object) -> object:
        told.append(f"{args} {options}")
        return run(*args, **options)  # type: ignore[call-overload]  # as it was called

    monkeypatch.setattr("subprocess.run", noted)
    monkeypatch.setattr(Letterheads, "_forms", {})
    # Settings that they read for themselves change nothing either.
    monkeypatch.setenv("OPENAI_ORG_ID", "somebody")
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "somebody")

    first = [Letterheads(tmp_path).write(sdk, "https://one.example/v1", "sk-secret") for sdk in SDKS]
    second = [Letterheads(tmp_path).write(sdk, "https://two.example/v1", None) for sdk in SDKS]

    assert len(told) == 1
    assert "sk-secret" not in told[0] + _file(tmp_path).read_text()
    assert all("sk-secret" in str(one.headers) for one in first)
    assert [(one.host, "sk-secret" in str(one.headers)) for one in second] == [("two.example", False)] * 2
    assert "somebody" not in str([one.headers for one in first])


def test_what_they_answered_is_there_at_the_next_start(sdks: _Sdks, tmp_path: Path) -> None:
    before = Letterheads(tmp_path, sdks.ask).write("openai", "https://one.example/v1", "sk-1")
    _start_again()

    assert Letterheads(tmp_path, sdks.ask).write("openai", "https://one.example/v1", "sk-1") == before
    assert sdks.asked == 1


def test_an_instance_gives_it_to_another(sdks: _Sdks, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    Letterheads(tmp_path, sdks.ask).give(other)
    _start_again()

    assert Letterheads(other, sdks.ask).write("anthropic", "https://one.example", "sk-1").path == "/v1/messages"
    assert sdks.asked == 1


def test_it_is_asked_for_before_anybody_waits(sdks: _Sdks, tmp_path: Path) -> None:
    letterheads = Letterheads(tmp_path, sdks.ask)

    letterheads.prepare()

    until = time.monotonic() + 10
    while not _file(tmp_path).exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert letterheads.write("openai", "https://one.example/v1", "sk-1").host == "one.example"
    assert sdks.asked == 1


def _another_version(file: Path) -> None:
    kept = json.loads(file.read_text())
    kept["versions"]["openai"] = "2.99.0"
    kept["forms"]["openai"]["path"] = "/as/it/was"
    file.write_text(json.dumps(kept))


@pytest.mark.parametrize(
    "spoil",
    [
        _another_version,
        Path.unlink,
        lambda file: file.write_bytes(b"\x00\xff"),
        lambda file: file.write_text("[]"),
        lambda file: file.write_text(file.read_text().replace('"path"', '"pith"')),
    ],
    ids=["another version", "gone", "garbage", "a list", "half of it"],
)
def test_a_file_that_does_not_fit_is_written_anew(spoil: Callable[[Path], object], sdks: _Sdks, tmp_path: Path) -> None:
    Letterheads(tmp_path, sdks.ask).write("openai", "https://one.example/v1", "sk-1")
    right = _file(tmp_path).read_text()
    spoil(_file(tmp_path))
    _start_again()

    found = Letterheads(tmp_path, sdks.ask).write("openai", "https://one.example/v1", "sk-1")

    assert found.path == "/v1/chat/completions"
    assert sdks.asked == 2
    assert _file(tmp_path).read_text() == right


def test_a_folder_that_cannot_be_written_to_is_no_reason_to_fail(sdks: _Sdks, tmp_path: Path) -> None:
    found = Letterheads(tmp_path / "missing", sdks.ask).write("openai", "https://one.example/v1", "sk-1")

    assert found.host == "one.example"
    assert sdks.asked == 1


def _start_again() -> None:
    Letterheads._forms.clear()


def _file(instance: Path) -> Path:
    return instance / "letterheads.json"


def _is_the_same(made: Letterhead, request: httpx2.Request | None) -> None:
    assert request is not None
    address = urlsplit(str(request.url))
    assert (made.scheme, made.host, made.port, made.path) == (address.scheme, address.hostname, address.port, address.path)
    for name in set(request.headers) & {"authorization", "x-api-key", "anthropic-version", "content-type", "accept"}:
        assert made.headers[name] == request.headers[name]
    assert not [name for name in made.headers if name.startswith("x-stainless")]
