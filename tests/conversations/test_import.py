"""Importing by the settings' pages: shown first, stored only when it is confirmed and permitted, and never twice."""

import io
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.gate import Reader
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.db import db
from chat.kernel.site import Site
from tests.browser import Browser, Page
from tests.chatting import Chat, turn_history_on, upload
from tests.conftest import Clock, MakeApp
from tests.conversations.elsewhere import as_json, chatgpt, claude, node, said, tides
from tests.images import png
from tests.people import People, sign_in


@pytest.fixture
def alice(client: Browser, people: People) -> Browser:
    return sign_in(client, people.alice)


def test_nothing_is_stored_before_it_is_confirmed(alice: Browser, people: People) -> None:
    turn_history_on(alice)

    page = _preview(alice, as_json(tides(), claude(said("m", "human", "Bread?"))))

    assert "Tides" in page.text
    assert "5 messages" in page.text
    assert "entries that are no conversations" in page.text  # of two services' lists in one only the first can be read
    assert _rows() == (0, 0)


def test_confirming_imports_and_says_how_it_went(alice: Browser, people: People, clock: Clock) -> None:
    turn_history_on(alice)

    report = _import(alice, as_json(tides()))

    (row,) = db.session.scalars(sa.select(Conversation)).all()
    assert "1 conversation was imported" in report.text
    assert "outputs of tools" in report.text
    shown = Chat(alice, f"/c/{row.public_id}")
    assert shown.said == ["Why are there tides?", "The moon and the sun."]
    assert "Tides" in alice.page("/history").text


def test_importing_twice_does_not_double(alice: Browser) -> None:
    turn_history_on(alice)
    _import(alice, as_json(tides()))
    before = _rows()

    page = _preview(alice, as_json(tides(), tides("another")))
    report = _confirm(alice, page)

    assert "1 is here already" in page.text
    assert "1 conversation was imported" in report.text
    assert "1 was here already" in report.text
    assert _rows() == (2, before[1] * 2)


def test_without_the_consent_the_button_is_the_consent_and_says_so(alice: Browser, people: People) -> None:
    page = _preview(alice, as_json(tides()))
    assert "With this button you agree" in page.text
    assert not ledger.allows(people.alice, Purpose.HISTORY)

    refused = alice.submit_form(page.form("/settings/import"), "/settings/import", {"consent": None})
    assert (refused.status_code, _rows()) == (403, (0, 0))
    _confirm(alice, page)

    db.session.rollback()
    assert ledger.allows(people.alice, Purpose.HISTORY)
    assert _rows()[0] == 1


def test_its_time_counts_from_the_import_whatever_its_age(alice: Browser, clock: Clock) -> None:
    turn_history_on(alice)

    _import(alice, as_json(tides()))

    (row,) = db.session.scalars(sa.select(Conversation)).all()
    assert row.updated_at.year == 2023
    assert row.expires_at == clock.now + timedelta(days=90)


def test_an_old_conversation_lives_under_the_sites_ceiling_from_its_import(make_app: MakeApp, clock: Clock) -> None:
    app = make_app({"retention.history_longest": 100})
    client: Any = app.test_client()
    from chat.kernel.site import current_site

    sign_in(client, People(current_site().keyring).alice)
    turn_history_on(client)

    _import(client, as_json(tides()))

    assert "Tides" in client.page("/history").text


def test_what_expired_can_be_imported_again_before_the_purge(alice: Browser, people: People, clock: Clock) -> None:
    turn_history_on(alice)
    _import(alice, as_json(tides()))
    clock.advance(days=91)
    sign_in(alice, people.alice)

    report = _import(alice, as_json(tides()))

    assert "1 conversation was imported" in report.text
    assert _rows() == (1, 5)


def test_our_own_archive_comes_back_the_same(app: Flask, client: Browser, people: People, site: Site, clock: Clock) -> None:
    sign_in(client, people.alice)
    turn_history_on(client)
    _live(client, clock)
    archive = _download(client)
    theirs = _everything(people.alice, site)
    clock.advance(days=3)

    other: Any = app.test_client()
    sign_in(other, people.bob)
    turn_history_on(other)
    report = _import(other, archive)

    assert "3 conversations were imported" in report.text
    assert _everything(people.bob, site) == theirs
    assert [len(turns) for _head, turns in theirs] == [6, 2, 2]


def test_our_own_archive_over_its_own_origin_changes_nothing(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    turn_history_on(client)
    _live(client, clock)
    archive = _download(client)
    before = _rows()

    report = _import(client, archive)

    assert "3 were here already" in report.text
    assert _rows() == before


def test_a_page_of_another_person_or_session_cannot_be_confirmed(app: Flask, alice: Browser, people: People) -> None:
    turn_history_on(alice)
    carried = next(one.get("value") for one in _preview(alice, as_json(tides())).all("input") if one.get("name") == "carried")
    other: Any = app.test_client()
    sign_in(other, people.bob)
    turn_history_on(other)

    answers = [
        other.post("/settings/import", data={"csrf_token": other.csrf("/settings/import"), "carried": one})
        for one in (carried, carried[:-4], "", "nonsense")
    ]

    assert [one.status_code for one in answers] == [409] * 4
    assert _rows() == (0, 0)


def test_a_broken_file_is_said_on_the_page_and_stores_nothing(alice: Browser) -> None:
    turn_history_on(alice)

    answer = _send(alice, b"PK\x03\x04 broken")

    assert answer.status_code == 400
    assert "damaged" in Page(answer.get_data(as_text=True)).text
    assert _rows() == (0, 0)


def test_a_failure_in_the_middle_leaves_whole_conversations(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third conversation cannot be sealed; the two before it are whole, and the next try takes the rest."""
    from chat.conversations import views_import

    turn_history_on(alice)
    page = _preview(alice, as_json(tides("a"), tides("b"), tides("c"), tides("d")))
    real, seen = views_import.store, []

    def failing(account: Any, kind: Any, found: Any, *rest: Any) -> bool:
        seen.append(found.source_id)
        stored = real(account, kind, found, *rest)
        if len(seen) == 3:
            raise RuntimeError
        return stored

    with monkeypatch.context() as patch:
        patch.setattr(views_import, "store", failing)
        assert alice.submit_form(page.form("/settings/import"), "/settings/import", {}).status_code == 500
    db.session.rollback()
    assert _rows() == (2, 10)

    assert "2 conversations were imported" in _confirm(alice, page).text
    assert _rows() == (4, 20)


def test_hostile_words_are_shown_as_words(alice: Browser) -> None:
    turn_history_on(alice)
    evil = "<script>alert(1)</script>"
    file = as_json(chatgpt(node("q", None, "user", evil), title=evil))

    page = _preview(alice, file)
    _confirm(alice, page)

    assert evil in page.text
    assert evil in alice.page("/history").text


def test_a_site_that_keeps_nothing_imports_nothing(make_app: MakeApp) -> None:
    app = make_app({"features.history": False, "consents.offered": []})
    client: Any = app.test_client()
    from chat.kernel.site import current_site

    sign_in(client, People(current_site().keyring).alice)

    assert "does not keep conversations" in client.page("/settings/import").text
    token = client.csrf("/settings/import")
    answer = client.post("/settings/import", data={"csrf_token": token, "carried": ""})
    assert answer.status_code == 403


def _live(client: Browser, clock: Clock) -> None:
    """Three conversations as people have them: with branches, an instruction, a file, a picture, a chosen title and a pin."""
    first = Chat(client).send("First question", model="echo", instructions="Be brief", temperature="0.5")
    clock.advance(minutes=7)
    first.act("regenerate", turn=first.turns[-1].id)
    first.act("edit", turn=first.turns[0].id, **{f"edit-{first.turns[0].id}": "First question, better"})
    first.act("regenerate", turn=first.turns[-1].id)
    client.post(f"/c/{first.conversation}/rename", data={"csrf_token": client.csrf(), "title": "What I asked"})
    client.post(f"/c/{first.conversation}/pin", data={"csrf_token": client.csrf(), "pinned": "yes"})
    clock.advance(hours=5)
    Chat(client).send("Look", files=upload("a.png", png(), "image/png"), model="sees")
    clock.advance(days=2)
    Chat(client).send("Fail, and think", files=upload("notes.txt", "ünï notes".encode()), model="error-event")


def _everything(account: Account, site: Site) -> list[Any]:
    """The account's conversations as values, without ids: a turn is its place among the others."""
    db.session.rollback()
    reader = Reader(account, site.keyring)
    found = []
    rows = db.session.scalars(
        sa.select(Conversation).where(Conversation.account_id == account.id).order_by(Conversation.created_at)
    )
    for row in rows:
        said_by = history.load(row, reader)
        places: dict[str | None, int] = {name: place for place, name in enumerate(said_by.turns)}
        head = (
            history.open_title(row.public_id, row.title, reader), row.pinned, row.created_at, row.updated_at, row.model,
            said_by.instructions, said_by.temperature, places.get(said_by.leaf),
        )  # fmt: skip
        turns = [
            (places.get(one.parent), one.role, one.parts, one.written_at, one.model, one.reasoning, one.state, one.problem)
            for one in said_by.turns.values()
        ]
        found.append((head, turns))
    return found


def _download(client: Browser) -> bytes:
    return client.submit("/settings/data/export", action="/settings/data/export").get_data()


def _send(client: Browser, data: bytes) -> Any:
    form = {"csrf_token": client.csrf("/settings/import"), "file": (io.BytesIO(data), "export")}
    return client.post("/settings/import/preview", data=form, content_type="multipart/form-data")


def _preview(client: Browser, data: bytes) -> Page:
    answer = _send(client, data)
    assert answer.status_code == 200
    return Page(answer.get_data(as_text=True))


def _confirm(client: Browser, page: Page) -> Page:
    answer = client.submit_form(page.form("/settings/import"), "/settings/import", {})
    assert answer.status_code == 200
    return Page(answer.get_data(as_text=True))


def _import(client: Browser, data: bytes) -> Page:
    return _confirm(client, _preview(client, data))


def _rows() -> tuple[int, int]:
    db.session.rollback()
    tables = (Conversation.__table__, StoredTurn.__table__)
    counted = [db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]
    return counted[0], counted[1]
