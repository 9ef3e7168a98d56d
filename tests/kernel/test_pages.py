"""Headers, error pages, redirects and uploads: what every answer of the site has in common."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from chat.kernel.access import public
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Refused, TooLarge, TooMany
from chat.kernel.pages import MemoryRequest, is_local
from tests.browser import Browser, Page

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
CANARY = "canary-51d0"


def _refuse(problem: Callable[[], Exception]) -> Callable[[], str]:
    @public
    def view() -> str:
        raise problem()

    return view


@on_sqlite
def test_every_answer_has_the_headers(client: Browser) -> None:
    for path in ("/", "/healthz", "/nowhere", "/login"):
        headers = client.get(path).headers

        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store, private"
        assert "Strict-Transport-Security" not in headers
        assert "Server" not in headers


@on_sqlite
def test_each_answer_has_its_own_nonce(client: Browser) -> None:
    policies = {client.get("/").headers["Content-Security-Policy"] for _ in range(5)}

    assert len(policies) == 5


@on_sqlite
def test_over_https_the_browser_is_told_to_stay_there(client: Browser) -> None:
    assert "max-age=63072000" in client.get("/", base_url="https://localhost").headers["Strict-Transport-Security"]


@on_sqlite
@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (lambda: NotFound("That is gone."), 404, "That is gone."),
        (lambda: Refused("Not for you."), 403, "Not for you."),
        (lambda: TooLarge("Too much."), 413, "Too much."),
        (lambda: TooMany("Slowly.", retry_after=7), 429, "Slowly."),
        (lambda: ValueError(CANARY), 500, "Something went wrong on our side."),
        (lambda: KeyError(CANARY), 500, "Something went wrong on our side."),
    ],
)
def test_a_failure_is_a_page_that_quotes_nothing(
    app: Flask, capsys: pytest.CaptureFixture[str], problem: Callable[[], Exception], status: int, words: str
) -> None:
    app.add_url_rule("/fails", "fails", _refuse(problem))
    client: Any = app.test_client()

    response = client.get(f"/fails?q={CANARY}")

    assert response.status_code == status
    assert words in Page(response.text).first("main").text
    assert CANARY not in response.text
    assert CANARY not in "".join(capsys.readouterr())
    if status == 429:
        assert response.headers["Retry-After"] == "7"


@on_sqlite
def test_an_error_page_needs_no_database(app: Flask, tmp_path: Path) -> None:
    app.add_url_rule("/fails", "fails", _refuse(lambda: ValueError("x")))
    break_database(tmp_path)
    client: Any = app.test_client()

    statuses = [client.get(path).status_code for path in ("/nowhere", "/fails", "/healthz", "/readyz")]

    assert statuses == [404, 500, 200, 503]


@on_sqlite
def test_an_address_that_is_not_there_is_not_repeated(client: Browser) -> None:
    response = client.get(f"/{CANARY}?q={CANARY}")

    assert response.status_code == 404
    assert CANARY not in response.text


@on_sqlite
def test_a_form_without_token_is_told_what_to_do(client: Browser) -> None:
    response = client.post("/chat/send", data={"text": CANARY})

    assert response.status_code == 400
    assert "reload the page" in response.text
    assert CANARY not in response.text


@pytest.mark.parametrize("target", ["/", "/c/abc", "/settings/privacy?x=1#y", "/a//b", "/@evil.example", "/caf%C3%A9"])
def test_a_path_of_ours_is_local(target: str) -> None:
    assert is_local(target)


@pytest.mark.parametrize(
    "target",
    [
        None, "", "evil.example", "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/ /evil.example", "javascript:alert(1)",
        "data:text/html,x", "http:evil.example", "/\r\nSet-Cookie: a=b", "\x00//evil.example", "/\x0b/evil.example",
    ],
)  # fmt: skip
def test_another_site_is_not_local(target: str | None) -> None:
    assert not is_local(target)


@given(st.text(alphabet="/\\:@?#. \t\n\r[]ae\x00%2f", max_size=12))
def test_whatever_is_called_local_stays_on_the_site(target: str) -> None:
    if not is_local(target):
        return
    # As a browser reads it: white space is dropped and a backslash is a slash.
    read = "".join(one for one in target if one not in "\t\r\n").replace("\\", "/")
    assert read.startswith("/")
    assert not read.startswith("//")


def test_uploads_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    content = os.urandom(5 * 2**20)
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'
    app = Flask("bare")
    app.request_class = MemoryRequest
    app.add_url_rule("/up", "up", lambda: str(len(request.files["file"].read())), methods=["POST"])

    response = app.test_client().post(
        "/up", data=head + content + b"\r\n--edge--\r\n", content_type="multipart/form-data; boundary=edge"
    )

    assert response.text == str(len(content))


def break_database(folder: Path) -> None:
    db.session.remove()
    db.engine.dispose()
    for path in folder.glob("candor.sqlite*"):
        path.write_bytes(b"this is no database" * 400)


@on_sqlite
def test_a_body_over_the_limit_is_refused_before_it_is_read(client: Browser) -> None:
    response = client.post("/chat/send", data=b"", headers={"Content-Length": str(10**9)})

    assert response.status_code in (400, 413)
