"""Several tabs at once on one saved conversation: whatever wins, nothing fails and no orphan stays behind."""

import random
import threading

import pytest
from flask import Flask

from chat.conversations import history
from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.db import db
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.people import People, sign_in

_TABS = 4
_ACTS = 6


@pytest.mark.parametrize("seed", [1, 2])
def test_tabs_that_do_everything_at_once_break_nothing(app: Flask, client: Browser, people: People, seed: int) -> None:
    turn_history_on(sign_in(client, people.alice))
    path = f"/c/{Chat(client).send('Beginning').conversation}"
    cookie = client.get_cookie("candor")
    assert cookie is not None
    statuses: list[tuple[str, int]] = []
    failures: list[BaseException] = []
    start = threading.Barrier(_TABS)

    def use(tab: int) -> None:
        choose = random.Random(seed * 100 + tab)
        browser = app.test_client()
        assert isinstance(browser, Browser)
        browser.set_cookie("candor", cookie.value)
        start.wait()
        try:
            statuses.extend(_act(Chat(browser, path), path, choose) for _ in range(_ACTS))
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    threads = [threading.Thread(target=use, args=(tab,)) for tab in range(_TABS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert failures == []
    assert [one for one in statuses if one[1] not in (200, 303, 400, 404)] == []
    turns = {row.public_id: row.parent for row in db.session.query(StoredTurn)}
    assert {parent for parent in turns.values() if parent is not None} <= set(turns)
    assert client.get(path).status_code == 200


def test_deleting_while_another_tab_sends_leaves_nothing(app: Flask, client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    cookie = client.get_cookie("candor")
    assert cookie is not None

    for _ in range(4):
        chat = Chat(client).send("Beginning")
        other = app.test_client()
        assert isinstance(other, Browser)
        other.set_cookie("candor", cookie.value)
        statuses: list[int] = []
        deleting = threading.Thread(target=_delete, args=(other, chat.conversation, client.csrf("/"), statuses))

        deleting.start()
        sent = chat.post("/chat/send", text="More", model="ok").status_code
        deleting.join()

        assert (sent in (200, 404), statuses) == (True, [303])
        db.session.rollback()
        assert (db.session.query(Conversation).count(), db.session.query(StoredTurn).count()) == (0, 0)


def test_what_was_said_below_an_answer_without_words_stays_when_that_is_asked_again(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    first = Chat(client).send("Beginning", model="reset")
    path, silent = f"/c/{first.conversation}", first.turns[1]
    assert (silent.state, silent.text) == ("failed", "")
    chat = Chat(client, path).send("Going on", model="ok")

    assert chat.act("regenerate", turn=silent.id, model="ok").said == ["Beginning", "Hello, world."]

    assert db.session.query(StoredTurn).count() == 5, "the question, two answers to it, and what was said below the first"
    assert chat.act("switch", turn=silent.id).said[-2:] == ["Going on", "Hello, world."]


def test_what_another_tab_has_gone_on_from_is_not_removed(client: Browser, people: People) -> None:
    # Between reading a conversation and holding it: no page can show that moment, so the step itself is asked.
    turn_history_on(sign_in(client, people.alice))
    chat = Chat(client).send("Beginning", model="ok")
    answer, conversation = chat.turns[1].id, db.session.query(Conversation).one()
    last = chat.send("Going on", model="ok").turns[-1].id

    history.remove_last(conversation, {answer, last})

    assert {row.public_id for row in db.session.query(StoredTurn)} == {turn.id for turn in chat.turns[:-1]}


def test_an_answer_without_words_goes_when_it_is_asked_again(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    chat = Chat(client).send("Beginning", model="reset")

    chat.act("regenerate", turn=chat.turns[1].id, model="ok")

    assert chat.said == ["Beginning", "Hello, world."]
    assert db.session.query(StoredTurn).count() == 2


def _delete(browser: Browser, conversation: str, token: str, statuses: list[int]) -> None:
    statuses.append(browser.post(f"/c/{conversation}/remove", data={"csrf_token": token}).status_code)


def _act(chat: Chat, path: str, choose: random.Random) -> tuple[str, int]:
    act = choose.choice(["send", "send", "edit", "regenerate", "remove", "switch", "pin", "rename"])
    if act in ("pin", "rename"):
        fields = {"csrf_token": chat.fields()["csrf_token"], "pinned": choose.choice(["yes", "no"]), "title": "Another name"}
        return act, chat.client.post(f"{path}/{act}", data=fields).status_code
    people = [turn.id for turn in chat.turns if turn.role == "user"]
    turn = choose.choice([one.id for one in chat.turns] or [""])
    if act == "edit":
        turn = choose.choice(people or [""])
    return act, chat.post(f"/chat/{act}", turn=turn, text="words", **{f"edit-{turn}": "words"}).status_code
