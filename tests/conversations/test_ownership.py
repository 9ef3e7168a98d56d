"""Another person's conversation does not exist, at whatever door one knocks."""

from collections.abc import Iterator

import pytest
from flask import Flask

from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.db import db
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.people import People, sign_in

# What of the feature is about no conversation in particular.
_ABOUT_NONE = {
    "conversations.new", "conversations.listing", "conversations.find", "conversations.keep", "conversations.choose_keep",
    "conversations.choose_import", "conversations.preview_import", "conversations.take_import",
}  # fmt: skip


def test_no_endpoint_opens_another_persons_conversation(app: Flask, client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    hers = Chat(client).send("Alice's canary")
    stranger = _browser(app)
    turn_history_on(sign_in(stranger, people.bob))
    token = stranger.csrf("/")
    before = _all_rows()

    answers = {
        (method, path): stranger.open(
            path,
            method=method,
            data=None
            if method == "GET"
            else {"csrf_token": token, "conversation": hers.conversation, "turn": hers.turns[0].id, "text": "x", "title": "x"},
        )
        for method, path in _doors(app, hers.conversation, hers.turns[0].id)
    }

    assert len(answers) >= 17
    assert {door: answer.status_code for door, answer in answers.items() if answer.status_code != 404} == {}
    assert not [door for door, answer in answers.items() if b"canary" in answer.data]
    assert _all_rows() == before


def test_a_guest_finds_no_conversation_either(app: Flask, client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    hers = Chat(client).send("Alice's canary")
    guest = _browser(app)
    token = guest.csrf("/")
    before = _all_rows()

    for method, path in _doors(app, hers.conversation, hers.turns[0].id):
        data = None if method == "GET" else {"csrf_token": token, "conversation": hers.conversation, "turn": hers.turns[0].id}
        answer = guest.open(path, method=method, data=data)
        assert answer.status_code in (302, 404), (method, path, answer.status_code)
        assert b"canary" not in answer.data

    assert _all_rows() == before


@pytest.mark.parametrize("public_id", ["nobody", "%00", "a%00b", "%ED%A0%80", "x" * 300, "..", "'--"])
def test_an_address_that_leads_nowhere_is_not_found(client: Browser, people: People, public_id: str) -> None:
    sign_in(client, people.alice)

    assert client.get(f"/c/{public_id}").status_code == 404


def test_a_stored_id_with_a_zero_byte_is_not_found(client: Browser, people: People) -> None:
    chat = Chat(sign_in(client, people.alice))

    response = chat.post("/chat/send", transcript=None, conversation="a\x00b", text="Hello")

    assert response.status_code == 404


def _doors(app: Flask, conversation: str, turn: str) -> Iterator[tuple[str, str]]:
    """Every method and path of the feature that could be about this conversation."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("conversations.") and rule.endpoint not in _ABOUT_NONE:
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                for act in ("send", "edit", "regenerate", "continue") if "act" in rule.arguments else ("",):
                    with app.test_request_context():
                        values = {"act": act, "public_id": conversation, "turn": turn, "verdict": "up", "number": 0}
                        path = app.url_map.bind("localhost").build(
                            rule.endpoint, {name: values[name] for name in rule.arguments}, method=method
                        )
                    yield method, path


def _all_rows() -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    db.session.rollback()
    return (
        [(row.public_id, row.pinned, row.leaf, row.title.blob) for row in db.session.query(Conversation).order_by("id")],
        [(row.public_id, row.state, row.body.blob) for row in db.session.query(StoredTurn).order_by("id")],
    )


def _browser(app: Flask) -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened
