"""The chat by server-sent events: what the page's script is told, in which order, however an answer ends."""

import threading
from html import unescape
from itertools import groupby

import pytest
from flask import Flask

from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.db import db
from chat.metering.models import Usage
from tests.browser import Browser
from tests.chatting import Chat, providers, turn_history_on, upload
from tests.conftest import MakeApp
from tests.fakes import FakeProvider
from tests.people import People, sign_in


def test_an_answer_comes_piece_by_piece(client: Browser) -> None:
    events = Chat(client).stream(text="Hi there", model="reasoning").all()

    # How many pieces there are is for the line to say: what waits together comes together.
    names = [name for name, _ in groupby(name for name, _ in events)]
    assert names == ["accepted", "reasoning", "text", "done"]
    assert "".join(data["text"] for name, data in events if name == "reasoning") == "Let me think."
    assert "".join(data["text"] for name, data in events if name == "text") == "Hello, world."
    accepted, done = events[0][1], events[-1][1]
    assert accepted["html"].count("<article") == 2
    assert "Hi there" in accepted["html"]
    assert 'data-state="arriving"' in accepted["html"]
    assert done["html"].count("<article") == 1
    assert "Hello, world." in done["html"]
    assert "transcript" in accepted
    assert "transcript" in done


def test_nobody_may_keep_or_hold_back_the_stream(client: Browser) -> None:
    response = Chat(client).stream(text="Hi").response

    assert response.mimetype == "text/event-stream"
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Accel-Buffering"] == "no"
    response.close()


def test_the_next_question_goes_on_from_what_done_said(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client)
    done = chat.stream(text="First", model="ok").all()[-1][1]

    chat.stream(text="Second", model="ok", transcript=done["transcript"]).all()

    assert [one["content"] for one in fake.last().body["messages"]] == ["First", "Hello, world.", "Second"]


def test_a_saved_conversation_says_its_address(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))

    events = Chat(client).stream(text="Hi", model="ok").all()

    accepted, done = events[0][1], events[-1][1]
    assert accepted["url"] == done["url"] == f"/c/{done['conversation']}"
    assert "transcript" not in done
    assert 'data-state="saved"' in done["storage"]
    assert Chat(client, done["url"]).said == ["Hi", "Hello, world."]


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize(("model", "came"), [("cut", "Hello,"), ("error-event", "Hel"), ("echo-500", "")])
def test_a_failure_half_way_keeps_what_came(client: Browser, people: People, model: str, came: str, saved: bool) -> None:
    sign_in(client, people.alice)
    if saved:
        turn_history_on(client)
    chat = Chat(client)

    events = chat.stream(text="My canary", model=model).all()

    failed = events[-1][1]
    assert [name for name, _ in events].count("failed") == 1
    assert failed["code"].startswith("provider_")
    assert failed["message"] in unescape(failed["html"])
    assert "/chat/regenerate" in failed["html"]
    assert "canary" not in failed["message"] + failed["html"]
    after = Chat(client, failed["url"]) if saved else chat.act("switch", transcript=failed["transcript"], turn=_last(failed))
    assert after.said == ["My canary", came]
    assert after.turns[1].state == "failed"


def test_what_is_refused_before_it_starts_is_json(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client)

    answers = {
        "empty": chat.stream(text=" ").response,
        "model": chat.stream(text="x", model="gone").response,
        "trains": chat.stream(text="x", model="trains").response,
        "turn": chat.stream("edit", text="x", turn="nobody").response,
        "stale": chat.stream(text="x", transcript="nonsense").response,
        "conversation": chat.stream(text="x", transcript="", conversation="nobody").response,
        "form": chat.stream(text="x", temperature="warm").response,
        "file": chat.stream(text="x", files=upload("a.bin", b"\0\1")).response,
    }

    said = {name: (one.status_code, one.json["code"] if one.json else "") for name, one in answers.items()}
    assert said == {
        "empty": (400, "invalid"),
        "model": (400, "model_gone"),
        "trains": (403, "model_refused"),
        "turn": (404, "not_found"),
        "stale": (409, "stale_page"),
        "conversation": (404, "not_found"),
        "form": (400, "invalid"),
        "file": (400, "unknown_file"),
    }
    assert all(one.json and len(one.json["message"]) > 20 for one in answers.values())
    assert fake.calls == []


def test_a_limit_says_when_to_come_back(make_app: MakeApp, fake: FakeProvider) -> None:
    client = make_app({"providers": providers(fake.url), "limits.guest_messages": "1/hour"}).test_client()
    assert isinstance(client, Browser)
    chat = Chat(client)
    chat.stream(text="One").all()

    streamed = chat.stream(text="Two").response
    posted = chat.post("/chat/send", text="Two")

    assert (streamed.status_code, streamed.json and streamed.json["code"]) == (429, "too_many")
    assert 0 < int(streamed.headers["Retry-After"]) <= 3600
    assert (posted.status_code, "Retry-After" in posted.headers) == (429, True)


def test_an_answer_stopped_in_the_page_goes_on_with_what_was_seen(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client)
    accepted = chat.stream(text="First", model="stall")
    begun = accepted.until("accepted")
    accepted.leave()

    chat.stream(text="Second", model="ok", transcript=begun["transcript"], partial="Hello, w").all()

    assert [one["content"] for one in fake.last().body["messages"]] == ["First", "Hello, w", "Second"]


def test_a_partial_changes_no_answer_that_was_finished(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client).send("First", model="ok")

    chat.send("Second", model="ok", partial="words put into its mouth")

    assert [one["content"] for one in fake.last().body["messages"]] == ["First", "Hello, world.", "Second"]


@pytest.mark.parametrize("saved", [False, True])
def test_a_reader_who_leaves_stops_the_provider(client: Browser, people: People, fake: FakeProvider, saved: bool) -> None:
    sign_in(client, people.alice)
    if saved:
        turn_history_on(client)
    answer = Chat(client).stream(text="Go on for ever", model="endless")
    begun = answer.until("accepted")
    answer.until("text")

    answer.leave()

    assert fake.last().left.wait(1)
    (usage,) = db.session.query(Usage).all()
    assert (usage.status, usage.estimated, usage.code) == ("stopped", True, None)
    assert usage.output_bytes > 0
    if saved:
        chat = Chat(client, begun["url"])
        assert chat.said[0] == "Go on for ever"
        assert chat.turns[1].text.startswith("word0")
        assert chat.turns[1].state == "stopped"
    else:
        assert db.session.query(StoredTurn).count() == 0


def test_a_conversation_deleted_while_its_answer_comes_stays_deleted(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    token = client.csrf("/")
    answer = Chat(client).stream(text="Short life", model="slow")
    saved = answer.until("accepted")["conversation"]
    answer.until("text")

    client.post(f"/c/{saved}/remove", data={"csrf_token": token})
    done = answer.until("done")
    answer.leave()

    assert "transcript" in done
    assert 'data-state="not_stored"' in done["storage"]
    assert (db.session.query(Conversation).count(), db.session.query(StoredTurn).count()) == (0, 0)


def test_a_message_removed_while_its_answer_comes_stays_removed(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    first = Chat(client).send("Stays")
    answer = Chat(client, f"/c/{first.conversation}").stream(text="Goes", model="slow")
    answer.until("text")
    other = Chat(client, f"/c/{first.conversation}")

    other.act("remove", turn=other.turns[2].id)
    answer.until("done")
    answer.leave()

    assert Chat(client, f"/c/{first.conversation}").said == ["Stays", "Stays"]
    assert db.session.query(StoredTurn).count() == 2


def test_two_messages_at_once_are_both_kept(app: Flask, client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    begun = Chat(client).send("Beginning")
    cookie = client.get_cookie("candor")
    assert cookie is not None
    start, statuses = threading.Barrier(4), []

    def send(words: str) -> None:
        browser = app.test_client()
        assert isinstance(browser, Browser)
        browser.set_cookie("candor", cookie.value)
        chat = Chat(browser, f"/c/{begun.conversation}")
        start.wait()
        statuses.append(chat.post("/chat/send", text=words, model="ok").status_code)

    threads = [threading.Thread(target=send, args=(f"Message {number}",)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert statuses == [200] * 4
    assert db.session.query(StoredTurn).count() == 10
    transcript = Chat(client, f"/c/{begun.conversation}")
    assert len(transcript.turns) >= 4
    assert transcript.turns[-1].text == "Hello, world."


def _last(event: dict[str, str]) -> str:
    return event["html"].split('data-turn="')[1].split('"')[0]
