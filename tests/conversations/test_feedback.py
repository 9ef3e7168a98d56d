"""Thumbs on answers: stored only under their own consent, changed and taken back, and gone with what they are about."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.consent import ledger
from chat.consent.gate import Reader
from chat.consent.purposes import WORDINGS, Purpose
from chat.conversations import feedback
from chat.conversations.feedback import Rating, Verdict
from chat.conversations.models import Conversation, Feedback
from chat.kernel.db import db
from chat.kernel.site import Site
from tests.browser import Browser
from tests.chatting import Chat, providers, turn_history_on
from tests.conftest import MakeApp
from tests.fakes import FakeProvider
from tests.people import People, sign_in

NOTE = "It forgot the badgers"
REVISION = str(WORDINGS[Purpose.IMPROVEMENT].revision)


@pytest.fixture
def app(make_app: MakeApp, fake: FakeProvider) -> Flask:
    return make_app({"providers": providers(fake.url), "consents.offered": ["history", "improvement"]})


@pytest.fixture
def chat(client: Browser, people: People) -> Chat:
    """Alice's saved conversation with one answer; she agreed to history and to nothing else."""
    turn_history_on(sign_in(client, people.alice))
    return Chat(client).send("Hello", model="ok")


def test_a_thumb_alone_is_no_consent(chat: Chat, people: People) -> None:
    answer = chat.turns[-1].id

    refused = chat.post(f"/chat/rate/{answer}/up")

    assert refused.status_code == 403
    assert _ratings() == []
    assert not ledger.allows(people.alice, Purpose.IMPROVEMENT)


def test_the_words_stand_beside_the_button_that_agrees(chat: Chat, people: People) -> None:
    answer = chat.turns[-1].id
    words = WORDINGS[Purpose.IMPROVEMENT]

    assert words.does in chat.page.text
    assert words.ends in chat.page.text
    chat.act(f"rate/{answer}/down", consent=REVISION)

    assert chat.status == 200
    assert [row.verdict for row in _ratings()] == ["down"]
    assert ledger.allows(people.alice, Purpose.IMPROVEMENT)
    assert ledger.list_entries(people.alice)[-1].source == "thumb"
    assert words.does not in chat.page.text


def test_older_words_are_not_agreed_to(chat: Chat, people: People) -> None:
    refused = chat.post(f"/chat/rate/{chat.turns[-1].id}/up", consent="0")

    assert refused.status_code == 403
    assert not ledger.allows(people.alice, Purpose.IMPROVEMENT)


def test_a_thumb_is_changed_annotated_and_taken_back(chat: Chat, people: People, site: Site) -> None:
    answer = chat.turns[-1].id
    chat.act(f"rate/{answer}/up", consent=REVISION)
    chat.act(f"rate/{answer}/up", **{f"note-{answer}": NOTE})
    chat.act(f"rate/{answer}/down")

    (row,) = _ratings()
    conversation = db.session.get_one(Conversation, row.conversation_id)
    given = feedback.list_ratings(conversation, Reader(people.alice, site.keyring))
    assert given == {answer: Rating(Verdict.DOWN, NOTE)}
    assert row.note is not None
    assert NOTE.encode() not in row.note.blob
    assert NOTE in Chat(chat.client, f"/c/{chat.conversation}").page.text

    chat.act(f"rate/{answer}/down", **{f"note-{answer}": "  "})
    assert _ratings()[0].note is None
    chat.act(f"rate/{answer}/none")
    assert _ratings() == []


def test_a_note_that_is_too_long_changes_nothing(chat: Chat) -> None:
    answer = chat.turns[-1].id
    chat.act(f"rate/{answer}/up", consent=REVISION)

    assert chat.post(f"/chat/rate/{answer}/up", **{f"note-{answer}": "x" * 2001}).status_code == 400
    assert _ratings()[0].note is None


def test_the_thumb_goes_with_its_answer_and_with_its_conversation(chat: Chat) -> None:
    first = chat.turns[-1].id
    chat.act(f"rate/{first}/up", consent=REVISION)
    chat.send("Again", model="ok")
    second = chat.turns[-1].id
    chat.act(f"rate/{second}/up")

    chat.act("remove", turn=second)
    after_turn = len(_ratings())
    chat.client.post(f"/c/{chat.conversation}/remove", data={"csrf_token": chat.fields()["csrf_token"]})

    assert (after_turn, _ratings()) == (1, [])


def test_withdrawing_deletes_the_thumbs_and_leaves_the_conversation(chat: Chat) -> None:
    answer = chat.turns[-1].id
    chat.act(f"rate/{answer}/up", consent=REVISION)

    token = chat.client.csrf("/settings/privacy")
    chat.client.post("/settings/privacy/improvement/withdraw", data={"csrf_token": token, "stored": "delete"})

    assert _ratings() == []
    assert db.session.query(Conversation).count() == 1
    assert chat.post(f"/chat/rate/{answer}/up").status_code == 403


def test_nobody_rates_what_is_not_theirs_not_saved_or_not_an_answer(app: Flask, chat: Chat, people: People) -> None:
    answer, question = chat.turns[-1].id, chat.turns[0].id
    other: Any = sign_in(app.test_client(), people.bob)  # type: ignore[arg-type]  # the app's clients are Browsers
    unsaved = Chat(other).send("Hello", model="ok")

    statuses = [
        unsaved.post(f"/chat/rate/{unsaved.turns[-1].id}/up", consent=REVISION).status_code,
        unsaved.post(f"/chat/rate/{answer}/up", consent=REVISION).status_code,
        unsaved.post(f"/chat/rate/{answer}/up", consent=REVISION, conversation=chat.conversation).status_code,
        chat.post(f"/chat/rate/{question}/up", consent=REVISION).status_code,
        chat.post("/chat/rate/nonsense!/none").status_code,
    ]

    assert statuses == [404] * 5
    assert _ratings() == []
    assert not unsaved.page.with_class("turn__agree")


def test_a_site_that_does_not_ask_shows_no_thumbs(make_app: MakeApp, fake: FakeProvider) -> None:
    client: Any = make_app({"providers": providers(fake.url), "consents.offered": ["history"]}).test_client()
    people = People(client.application.extensions["candor"].keyring)
    turn_history_on(sign_in(client, people.alice))
    chat = Chat(client).send("Hello", model="ok")

    assert not chat.page.with_class("turn__agree")
    assert chat.post(f"/chat/rate/{chat.turns[-1].id}/up", consent=REVISION).status_code == 404


def test_the_answer_that_streamed_brings_its_thumbs(chat: Chat) -> None:
    assert "turn__agree" in chat.stream(text="Go on", model="ok").until("done")["html"]


def _ratings() -> list[Feedback]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Feedback)))
