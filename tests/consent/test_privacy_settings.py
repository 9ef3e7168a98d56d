"""Settings → Privacy: the switch is the consent act, and withdrawing is as easy as giving."""

import pytest
from flask import Flask

from chat.consent import ledger
from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.db import db
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.people import People, sign_in


def test_the_page_shows_the_words_before_it_asks(client: Browser, people: People) -> None:
    page = sign_in(client, people.alice).page("/settings/privacy")

    assert "Keep my conversations" in page.text
    assert "encrypted under a key of your own" in page.text
    assert "90 days" in page.text


def test_the_switch_is_recorded_with_its_words_and_shown(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))

    (entry,) = ledger.list_entries(people.alice)
    assert (entry.given, entry.source) == (True, "settings")
    assert "in the settings" in client.page("/settings/privacy").text


@pytest.mark.parametrize("act", ["give", "withdraw"])
@pytest.mark.parametrize("purpose", ["improvement", "nonsense", "HISTORY", "history "])
def test_what_this_site_does_not_ask_for_cannot_be_given(client: Browser, people: People, act: str, purpose: str) -> None:
    token = sign_in(client, people.alice).csrf("/")

    response = client.post(f"/settings/privacy/{purpose}/{act}", data={"csrf_token": token})

    assert response.status_code == 404
    assert ledger.list_entries(people.alice) == []


def test_without_the_csrf_token_nothing_is_agreed_to(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    assert client.post("/settings/privacy/history/give").status_code == 400
    assert not ledger.allows(people.alice, Purpose.HISTORY)


def test_a_guest_is_asked_to_sign_in(client: Browser) -> None:
    for path in ("give", "withdraw"):
        response = client.post(f"/settings/privacy/history/{path}", data={"csrf_token": client.csrf("/")})
        assert response.headers["Location"].startswith("/login")
    assert client.get("/settings/privacy").headers["Location"].startswith("/login")


def test_withdrawing_deletes_what_was_stored(app: Flask, client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    Chat(client).send("Mine")
    other = app.test_client()
    assert isinstance(other, Browser)
    turn_history_on(sign_in(other, people.bob))
    his = Chat(other).send("His")

    client.post("/settings/privacy/history/withdraw", data={"csrf_token": client.csrf("/")})

    assert not ledger.allows(people.alice, Purpose.HISTORY)
    assert {row.account_id for row in db.session.query(Conversation)} == {people.bob.id}
    assert {row.account_id for row in db.session.query(StoredTurn)} == {people.bob.id}
    assert Chat(other, f"/c/{his.conversation}").said == ["His", "His"]


def test_withdrawing_may_let_it_expire(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    saved = Chat(client).send("Kept").conversation

    client.post("/settings/privacy/history/withdraw", data={"csrf_token": client.csrf("/"), "stored": "expire"})

    assert Chat(client, f"/c/{saved}").said == ["Kept", "Kept"]
    assert Chat(client).send("New").storage == "not_stored"
    assert db.session.query(Conversation).count() == 1


def test_chat_works_with_everything_refused(client: Browser, people: People) -> None:
    chat = Chat(sign_in(client, people.alice)).send("One").send("Two")

    assert chat.said == ["One", "One", "Two", "Two"]
    assert db.session.query(Conversation).count() == 0


def test_withdrawing_in_the_middle_of_an_answer_stores_nothing(app: Flask, client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    token = client.csrf("/")
    answer = Chat(client).stream(text="Secret words", model="slow")
    accepted = answer.until("accepted")
    answer.until("text")

    client.post("/settings/privacy/history/withdraw", data={"csrf_token": token})
    done = answer.until("done")
    answer.leave()

    assert "conversation" in accepted
    assert "conversation" not in done
    assert 'data-state="not_stored"' in done["storage"]
    assert db.session.query(StoredTurn).count() == 0
    later = Chat(client)
    later.act("send", transcript=done["transcript"], conversation=None, text="Go on", model="echo")
    assert later.said[0] == "Secret words"
    assert later.said[1].startswith("word0 word1")
    assert db.session.query(StoredTurn).count() == 0
