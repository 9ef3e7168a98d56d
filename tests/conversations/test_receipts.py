"""Each answer's receipt on the page: shown, taken away, and right about what is stored, however the answer ended."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation, StoredTurn
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.signing import check
from chat.kernel.site import current_site
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.people import People, sign_in


def test_an_answer_that_is_not_stored_says_so(client: Browser) -> None:
    chat = Chat(client).send("Hello", model="ok")

    assert "Nothing stored" in chat.page.text
    assert _taken(chat)["stored"]["rows"] == 0


def test_a_receipt_comes_signed_as_a_file_and_says_what_happened(client: Browser) -> None:
    chat = Chat(client).send("Hello", model="ok")

    response = chat.post("/chat/receipt/0", turn=chat.turns[-1].id)

    receipt = json.loads(response.get_data(as_text=True))
    assert response.mimetype == "application/json"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert check(receipt, current_site().signing.public())
    assert (receipt["answer"], receipt["outcome"], receipt["received"]["bytes"]) == (chat.turns[-1].id, "done", 13)


def test_a_saved_answer_says_which_rows_hold_it_until_when(client: Browser) -> None:
    turn_history_on(sign_in(client, People(current_site().keyring).alice))
    chat = Chat(client).send("Hello", model="ok")

    receipt = _taken(chat)

    until = db.session.scalars(sa.select(Conversation.expires_at)).one()
    assert {table: one["rows"] for table, one in receipt["stored"]["tables"].items()} == {
        "conversation": db.session.query(Conversation).count(),
        "turn": db.session.query(StoredTurn).count(),
    }
    assert datetime.fromisoformat(receipt["stored"]["tables"]["turn"]["until"]) == until.replace(microsecond=0)
    assert receipt["logged"]["with_account"] is True
    assert "Stored until" in chat.page.text


def test_saving_later_and_taking_it_back_both_show(client: Browser) -> None:
    alice = People(current_site().keyring).alice
    chat = Chat(sign_in(client, alice)).send("Hello", model="ok")
    ledger.give(alice, Purpose.HISTORY, Source.SETTINGS, clock.now())
    db.session.commit()

    before = _taken(chat)["stored"]["rows"]
    chat.act("save")
    saved = _taken(chat)["stored"]["rows"]
    chat.act("dont-save")

    assert (before, saved, _taken(chat)["stored"]["rows"]) == (0, 3, 0)


def test_a_failed_answer_has_a_receipt_too(client: Browser) -> None:
    receipt = _taken(Chat(client).send("Hello", model="cut"))

    assert (receipt["outcome"], receipt["code"]) == ("failed", "provider_cut")
    assert receipt["received"]["bytes"] == len("Hello, ")


def test_an_answer_whose_reader_left_says_that_it_was_asked_for(client: Browser) -> None:
    chat = Chat(client)
    stream = chat.stream(text="Hello", model="stall")
    accepted = stream.next()[1]
    stream.response.close()

    response = chat.post("/chat/switch", transcript=accepted["transcript"], turn=_answer_in(accepted["html"]), partial="Hel")
    chat.page = type(chat.page)(response.get_data(as_text=True))

    receipt = _taken(chat)
    assert (receipt["outcome"], receipt["received"], receipt["stored"]["rows"]) == ("arriving", None, 0)
    assert check(receipt, current_site().signing.public())


def test_continuing_adds_a_receipt(client: Browser) -> None:
    chat = Chat(client).send("Hello", model="length")
    chat.act("continue", turn=chat.turns[-1].id, model="ok")

    first, second = _taken(chat, 0), _taken(chat, 1)

    assert (first["model"]["id"], second["model"]["id"]) == ("length", "ok")
    assert second["sent"]["bytes"] > first["sent"]["bytes"]


def test_a_receipt_that_is_not_there_is_not_found(client: Browser) -> None:
    chat = Chat(client).send("Hello", model="ok")

    assert chat.post("/chat/receipt/1", turn=chat.turns[-1].id).status_code == 404
    assert chat.post("/chat/receipt/0", turn=chat.turns[0].id).status_code == 404


def _taken(chat: Chat, number: int = 0) -> dict[str, Any]:
    response = chat.post(f"/chat/receipt/{number}", turn=chat.turns[-1].id)
    receipt: dict[str, Any] = json.loads(response.get_data(as_text=True))
    return receipt


def _answer_in(html: str) -> str:
    return html.rsplit('data-turn="', maxsplit=1)[-1].split('"', maxsplit=1)[0]
