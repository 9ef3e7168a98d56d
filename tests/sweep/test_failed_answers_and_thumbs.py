"""What is kept of failures and of feedback is kept with its consent and unreadable, and without it not at all."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from chat.consent.purposes import WORDINGS, Purpose
from chat.policy.sweep import Canary, sweep, watching
from tests.fakes import FakeProvider
from tests.servers import Server, running
from tests.sweep.conftest import Swept, settings_with
from tests.sweep.visitor import Visitor

pytestmark = pytest.mark.server
FAILING = ("echo-400", "echo-500", "error-event", "cut", "reset", "garbage", "first-byte-never")


def test_failed_answers_are_unreadable_in_the_files(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), _person(server, "diagnostics")
    before = _kept(server)

    with watching(server, canary, server.temp, server.folder / "cwd") as hits:
        for model in FAILING:
            visitor.open()
            visitor.stream(f"{canary} for {model}", model, instructions=f"Answer like {canary}")
        listing = visitor.http.get("/settings/diagnostics").text

    assert _kept(server) - before == len(FAILING)
    assert str(canary) not in listing
    assert str(canary) in _first_copy(visitor, listing)
    assert not [str(one) for one in [*hits, *swept(canary), *canary.find_in(visitor.cookies, "cookies")]]
    visitor.close()


def test_without_the_consent_there_is_not_one_row(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), _person(server)
    before = _kept(server)

    for model in FAILING:
        visitor.open()
        visitor.stream(f"{canary} for {model}", model)

    assert _kept(server) == before
    assert not [str(one) for one in swept(canary)]
    visitor.close()


def test_a_worker_killed_in_the_middle_leaves_nothing_readable(fake: FakeProvider, tmp_path: Path) -> None:
    canary = Canary()
    with running("gunicorn", settings_with(fake, tmp_path)) as server:
        visitor = _person(server, "diagnostics")
        request = visitor.http.build_request(
            "POST", "/chat/send/stream", data=visitor.fields | {"text": f"{canary} please", "model": "first-byte-never"}
        )
        response = visitor.http.send(request, stream=True)
        next(response.iter_raw())

        server.kill_worker()

        response.close()
        visitor.close()
        assert not [str(one) for one in sweep(canary, server.folder)]


def test_notes_are_unreadable_and_gone_when_taken_back(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), _person(server, "history")
    page = visitor.send("Hello", "ok")
    answer = [one.get("data-turn") for one in page.all("article") if one.get("data-turn")][-1]
    note = {f"note-{answer}": f"{canary} was missing", "consent": str(WORDINGS[Purpose.IMPROVEMENT].revision)}

    rated = visitor.send("", "ok", act=f"rate/{answer}/down", **note)

    assert str(canary) in "".join(one.text for one in rated.all("textarea"))
    assert not [str(one) for one in [*swept(canary), *canary.find_in(visitor.cookies, "cookies")]]
    visitor.close()


def test_requests_are_unreadable_and_gone_when_taken_back(server: Server, swept: Swept) -> None:
    canary, visitor, guest = Canary(), _person(server), Visitor(server.url)
    guest.open("/privacy/request")
    token = next(one.get("value") for one in guest.open("/privacy/request").all("input") if one.get("name") == "csrf_token")

    with watching(server, canary, server.temp, server.folder / "cwd") as hits:
        listing = visitor.post("/settings/requests/new", kind="question", text=f"{canary} please").text
        reference = listing.split('href="/settings/requests/', 2)[2].split('"', 1)[0]
        data = {"csrf_token": token, "kind": "child", "text": f"{canary} too", "email": f"{canary}@example.net"}
        sent = guest.http.post("/privacy/request", data=data).text

    assert "Its reference is" in sent
    assert str(canary) in visitor.http.get(f"/settings/requests/{reference}").text
    assert not [str(one) for one in [*hits, *swept(canary), *canary.find_in(visitor.cookies, "cookies")]]
    visitor.post(f"/settings/requests/{reference}/take-back")
    assert visitor.http.get(f"/settings/requests/{reference}").status_code == 404
    visitor.close()
    guest.close()


def _person(server: Server, *purposes: str) -> Visitor:
    visitor = Visitor(server.url)
    visitor.register(f"person-{Canary().word[-8:]}")
    for purpose in purposes:
        visitor.post(f"/settings/privacy/{purpose}/give")
    visitor.open()
    return visitor


def _first_copy(visitor: Visitor, listing: str) -> str:
    path = listing.split('href="/settings/diagnostics/', 1)[1].split('"', 1)[0]
    return visitor.http.get(f"/settings/diagnostics/{path}").text


def _kept(server: Server) -> int:
    question = "SELECT count(*) FROM failed_exchange"
    if url := server.environment.get("DATABASE_URL"):
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            count = int(connection.scalar(sa.text(question)) or 0)
        engine.dispose()
        return count
    with closing(sqlite3.connect(server.instance / "candor.sqlite")) as database:
        return int(database.execute(question).fetchone()[0])
