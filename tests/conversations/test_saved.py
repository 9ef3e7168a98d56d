"""Conversations that are kept: how that begins, goes on and ends."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.consent import ledger
from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.db import db
from chat.kernel.lifetimes import EVEN_EXPIRED
from chat.kernel.site import Site
from chat.retention.jobs import purge
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.conftest import Clock, MakeApp
from tests.fakes import FakeProvider
from tests.people import People, sign_in


@pytest.fixture
def alice(client: Browser, people: People) -> Browser:
    return sign_in(client, people.alice)


def test_nothing_is_stored_before_somebody_says_so(alice: Browser) -> None:
    chat = Chat(alice).send("Hello")

    assert (chat.storage, chat.conversation) == ("not_stored", "")
    assert _rows() == (0, 0)


def test_the_save_button_is_the_consent_act(alice: Browser, people: People) -> None:
    chat = Chat(alice).send("Plan a garden")

    chat.act("save", consent="1")

    (entry,) = ledger.list_entries(people.alice)
    assert (entry.given, entry.source, entry.wording_revision) == (True, "save button", 1)
    assert chat.storage == "saved"
    assert chat.said == ["Plan a garden", "Plan a garden"]
    assert chat.page.heading == "Plan a garden"


@pytest.mark.parametrize("revision", [None, "", "0", "2", "1 or 2", "١"])
def test_a_forged_or_missing_agreement_stores_nothing(alice: Browser, people: People, revision: str | None) -> None:
    chat = Chat(alice).send("Hello")

    chat.act("save", consent=revision)

    assert chat.status == 403
    assert _rows() == (0, 0)
    assert not ledger.list_entries(people.alice)


def test_a_guest_cannot_save(client: Browser) -> None:
    chat = Chat(client).send("Hello")

    response = client.post("/chat/save", data=chat.fields() | {"consent": "1"})

    assert (response.status_code, response.headers["Location"][:6]) == (302, "/login")
    assert _rows() == (0, 0)


def test_saving_twice_is_one_conversation(alice: Browser) -> None:
    chat = Chat(alice).send("Hello")

    first = chat.post("/chat/save", consent="1")
    second = chat.post("/chat/save", consent="1")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.request.path == second.request.path
    assert _rows() == (1, 2)


def test_going_back_and_on_after_saving_makes_a_second_conversation(alice: Browser) -> None:
    chat = Chat(alice).send("Hello")
    chat.post("/chat/save", consent="1")

    chat.act("dont-save").send("Another way")
    chat.act("save")

    assert chat.said == ["Hello", "Hello", "Another way", "Another way"]
    assert _rows() == (2, 6)


def test_with_history_on_a_new_chat_is_saved_from_its_first_message(alice: Browser) -> None:
    turn_history_on(alice)
    chat = Chat(alice)
    before = chat.storage

    chat.send("First").send("Second")

    assert before == "will_be_saved"
    assert chat.said == ["First", "First", "Second", "Second"]
    assert Chat(alice, f"/c/{chat.conversation}").said == chat.said
    assert _rows() == (1, 4)


def test_a_chat_that_began_unsaved_stays_so(alice: Browser) -> None:
    chat = Chat(alice).send("Before")
    turn_history_on(alice)

    chat.send("After")

    assert chat.storage == "not_stored"
    assert _rows() == (0, 0)


def test_dont_save_this_one_before_the_first_message(alice: Browser) -> None:
    turn_history_on(alice)
    chat = Chat(alice).act("dont-save").send("In private").send("Still")

    assert chat.storage == "not_stored"
    assert _rows() == (0, 0)

    chat.act("save")

    assert chat.storage == "saved"
    assert _rows() == (1, 4)


def test_dont_save_this_one_deletes_what_was_stored(alice: Browser) -> None:
    turn_history_on(alice)
    chat = Chat(alice).send("Too much")
    address = f"/c/{chat.conversation}"

    chat.act("dont-save")

    assert chat.said == ["Too much", "Too much"]
    assert _rows() == (0, 0)
    assert alice.get(address).status_code == 404
    chat.send("On it goes")
    assert (chat.storage, _rows()) == ("not_stored", (0, 0))


def test_dont_save_needs_no_model(make_app: MakeApp, alice: Browser, clock: Clock) -> None:
    turn_history_on(alice)
    saved = Chat(alice).send("Hello").conversation
    later = make_app({"providers": []}).test_client()
    assert isinstance(later, Browser)
    _carry_session(alice, later)

    chat = Chat(later, f"/c/{saved}").act("dont-save")

    assert chat.status == 200
    assert _rows() == (0, 0)


def test_an_old_conversation_whose_model_is_gone_opens_and_goes_on_with_another(
    make_app: MakeApp, alice: Browser, fake: FakeProvider, app: Flask
) -> None:
    turn_history_on(alice)
    saved = Chat(alice).send("Hello", model="ok").conversation
    (row,) = db.session.query(Conversation)
    row.model = "model-of-last-year"
    db.session.commit()

    chat = Chat(alice, f"/c/{saved}")
    chosen = chat.fields()["model"]
    chat.send("Go on")

    assert chosen == "echo"
    assert chat.said == ["Hello", "Hello, world.", "Go on", "Go on"]


def test_every_act_on_a_saved_conversation_is_remembered(alice: Browser) -> None:
    turn_history_on(alice)
    chat = Chat(alice).send("One")
    first = chat.turns[1].id
    chat.act("regenerate", turn=first)
    chat.act("switch", turn=first)
    chat.act("edit", turn=chat.turns[0].id, **{f"edit-{chat.turns[0].id}": "Uno"})
    chat.send("Two", instructions="Be kind.", temperature="1.5")

    again = Chat(alice, f"/c/{chat.conversation}")

    assert again.said == ["Uno", "Uno", "Two", "Two"]
    assert again.turns[0].place == "2/2"
    assert (again.fields()["instructions"], again.fields()["temperature"]) == ("Be kind.", "1.5")
    again.act("remove", turn=again.turns[0].id)
    assert again.said == ["One", "One"]
    assert again.turns[1].place == "2/2"


def test_retrying_an_answer_that_never_came_leaves_one_answer(alice: Browser) -> None:
    turn_history_on(alice)
    chat = Chat(alice).send("Hello", model="echo-500")
    failed = chat.turns[1]

    chat.act("regenerate", turn=failed.id, model="ok")

    assert failed.state == "failed"
    assert [(turn.text, turn.place) for turn in chat.turns] == [("Hello", ""), ("Hello, world.", "")]
    assert _rows() == (1, 2)


def test_an_expired_conversation_is_gone_at_once_and_purged_later(alice: Browser, clock: Clock, site: Site) -> None:
    turn_history_on(alice)
    chat = Chat(alice).send("Short-lived")
    data = chat.fields()
    rows = db.session.query(Conversation)
    rows.update({"expires_at": clock.now + timedelta(minutes=5)})
    db.session.commit()

    clock.advance(minutes=5)

    assert alice.get(f"/c/{chat.conversation}").status_code == 404
    assert alice.post("/chat/send", data=data | {"text": "still there?"}).status_code == 404
    assert "Short-lived" not in alice.page("/").text
    assert "Short-lived" not in _search(alice, "short-lived").replace("“short-lived”", "")
    assert _rows() == (1, 2)
    assert purge() == 3
    assert (_rows(), purge()) == ((0, 0), 0)


def test_the_purge_takes_many_in_batches(alice: Browser, people: People, site: Site, clock: Clock) -> None:
    for _ in range(3):
        Chat(alice).send("Hello").act("save", consent="1")
    clock.advance(days=site.profile.retention.history, seconds=1)

    assert (purge() > 0, _rows()) == (True, (0, 0))


def test_withdrawing_with_let_it_expire_refuses_to_go_on(alice: Browser, fake: FakeProvider) -> None:
    turn_history_on(alice)
    chat = Chat(alice).send("Hello")
    _withdraw(alice, stored="expire")

    chat.send("More", model="ok")

    assert chat.status == 403
    assert "switched off" in chat.problem
    assert (chat.draft, chat.said) == ("More", ["Hello", "Hello"])
    assert fake.calls == []
    assert _rows() == (1, 2)


def test_two_tabs_on_one_conversation(alice: Browser) -> None:
    turn_history_on(alice)
    first = Chat(alice).send("One")
    second = Chat(alice, f"/c/{first.conversation}")

    first.send("From the first tab")
    second.send("From the second tab")

    assert second.said == [
        "One",
        "One",
        "From the first tab",
        "From the first tab",
        "From the second tab",
        "From the second tab",
    ]
    first.act("remove", turn=first.turns[2].id)
    assert first.said == ["One", "One"]
    second.act("regenerate", turn=second.turns[5].id)
    assert second.status == 404
    assert second.said == ["One", "One"]


def test_an_account_whose_key_is_gone_sees_a_clear_page(alice: Browser, people: People, site: Site) -> None:
    turn_history_on(alice)
    chat = Chat(alice).send("Locked away")
    site.keyring.destroy(people.alice.public_id)

    page = alice.page(f"/c/{chat.conversation}", status=410)
    listing = alice.get("/history")
    new = Chat(alice).act("dont-save").send("Hello")

    assert "key" in page.text
    assert listing.status_code == 410
    assert new.said == ["Hello", "Hello"]
    assert Chat(alice).send("To be saved").status == 410


def test_a_damaged_row_takes_nothing_else_with_it(alice: Browser) -> None:
    turn_history_on(alice)
    broken = Chat(alice).send("First one").conversation
    whole = Chat(alice).send("Second one").conversation
    with db.engine.begin() as connection:
        statement = sa.text("UPDATE conversation SET title = :title WHERE public_id = :id")
        connection.execute(statement, {"title": b"x" * 40, "id": broken})

    listing = alice.page("/history")

    assert "Damaged" in listing.text
    assert "Second one" in listing.text
    assert Chat(alice, f"/c/{whole}").said == ["Second one", "Second one"]
    assert Chat(alice, f"/c/{broken}").said == ["First one", "First one"]


def _rows() -> tuple[int, int]:
    """How many conversations and turns there are, those that no query of the site sees included."""
    db.session.rollback()
    conversations, turns = (db.session.query(model).execution_options(**EVEN_EXPIRED) for model in (Conversation, StoredTurn))
    return conversations.count(), turns.count()


def _withdraw(client: Browser, **fields: str) -> None:
    token = client.csrf("/settings/privacy")
    client.post(f"/settings/privacy/{Purpose.HISTORY}/withdraw", data={"csrf_token": token, **fields})


def _search(client: Browser, query: str) -> str:
    response = client.post("/history/search", data={"csrf_token": client.csrf("/"), "query": query})
    assert response.status_code == 200
    text: str = response.get_data(as_text=True)
    return text


def _carry_session(old: Browser, new: Browser) -> None:
    cookie = old.get_cookie("candor")
    assert cookie is not None
    new.set_cookie("candor", cookie.value)
