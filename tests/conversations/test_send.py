"""The chat without JavaScript: every act is a post of the page's one form."""

import pytest
from flask import Flask

from chat.conversations.desk import clean
from chat.conversations.forms import LONGEST_MESSAGE
from chat.kernel.db import db
from chat.metering.models import Usage
from tests.browser import Browser
from tests.chatting import Chat, providers, upload
from tests.conftest import MakeApp
from tests.fakes import FakeProvider
from tests.images import png


def test_a_guest_is_answered_and_asks_again(client: Browser) -> None:
    chat = Chat(client).send("Hello there")

    chat.send("And again")

    assert chat.said == ["Hello there", "Hello there", "And again", "And again"]
    assert (chat.status, chat.storage, chat.draft) == (200, "not_stored", "")


def test_the_provider_gets_the_whole_branch(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client).send("First", model="ok", instructions="Be brief.", temperature="0.5")

    chat.send("Second")

    body = fake.last().body
    assert [(one["role"], one["content"]) for one in body["messages"]] == [
        ("system", "Be brief."),
        ("user", "First"),
        ("assistant", "Hello, world."),
        ("user", "Second"),
    ]
    assert (body["temperature"], body["model"]) == (0.5, "ok")
    assert len(fake.calls) == 2


def test_the_other_protocol_answers_too(client: Browser) -> None:
    chat = Chat(client).send("Hi", model="claude")

    assert chat.said == ["Hi", "Hello, world."]


def test_reasoning_is_shown_folded(client: Browser) -> None:
    chat = Chat(client).send("Hi", model="reasoning")

    thoughts = [one.text for one in chat.page.all("div") if one.get("data-part") == "thoughts"]
    assert thoughts[0] == "Let me think."


def test_an_edited_message_becomes_an_alternative_and_keeps_its_files(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client).send("Old words", model="ok", files=upload("notes.txt", b"the notes"))
    question = chat.turns[0].id

    chat.act("edit", turn=question, **{f"edit-{question}": "New words"})

    assert chat.said == ["New words", "Hello, world."]
    assert chat.turns[0].place == "2/2"
    assert "notes.txt" in chat.page.text
    assert "the notes" in fake.last().prompt
    assert "Old words" not in fake.last().prompt


def test_an_answer_cannot_be_edited(client: Browser) -> None:
    chat = Chat(client).send("Hello")

    chat.act("edit", turn=chat.turns[1].id, text="I never said that")

    assert chat.status == 404
    assert chat.said == ["Hello", "Hello"]


def test_regenerating_gives_an_alternative_and_switching_goes_back(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client).send("Hello", model="ok")
    first = chat.turns[1].id

    chat.act("regenerate", turn=first)
    second = chat.turns[1]
    chat.act("switch", turn=first)

    assert second.place == "2/2"
    assert second.id != first
    assert (chat.turns[1].id, chat.turns[1].place) == (first, "1/2")
    assert "world" not in fake.last().prompt


def test_switching_back_shows_what_followed(client: Browser) -> None:
    chat = Chat(client).send("One").send("Two")
    first = chat.turns[0].id
    chat.act("edit", turn=first, **{f"edit-{first}": "Uno"})

    chat.act("switch", turn=first)

    assert chat.said == ["One", "One", "Two", "Two"]


def test_a_cut_answer_is_continued_where_it_stopped(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client).send("Hello", model="length")
    answer = chat.turns[1]

    chat.act("continue", turn=answer.id)

    assert answer.state == "cut"
    assert chat.said == ["Hello", "Hello, world.Hello, world."]
    assert [one["role"] for one in fake.last().body["messages"]] == ["user", "assistant", "user"]


def test_a_question_cannot_be_continued(client: Browser) -> None:
    chat = Chat(client).send("Hello")

    chat.act("continue", turn=chat.turns[0].id)

    assert chat.status == 404


def test_removing_a_message_removes_what_follows(client: Browser) -> None:
    chat = Chat(client).send("One").send("Two").send("Three")

    chat.act("remove", turn=chat.turns[2].id)

    assert chat.said == ["One", "One"]


def test_removing_the_first_message_leaves_an_empty_chat(client: Browser) -> None:
    chat = Chat(client).send("One")

    chat.act("remove", turn=chat.turns[0].id)

    assert chat.turns == []


def test_a_fragment_is_the_thread_alone(client: Browser) -> None:
    chat = Chat(client).send("One").send("Two")

    response = client.post("/chat/remove", data=chat.fields() | {"turn": chat.turns[2].id}, headers={"X-Fragment": "thread"})

    html = response.get_data(as_text=True)
    assert "<html" not in html
    assert html.count("<article") == 2
    assert 'name="transcript"' in html


@pytest.mark.parametrize("act", ["edit", "regenerate", "continue", "switch", "remove"])
@pytest.mark.parametrize("turn", ["", "nobody", "\x00", "x" * 25])
def test_a_turn_that_is_not_there_is_refused(client: Browser, act: str, turn: str) -> None:
    chat = Chat(client).send("Hello")

    status = chat.post(f"/chat/{act}", turn=turn, text="words").status_code

    assert status == (400 if len(turn) > 24 else 404)


def test_an_empty_message_is_answered_with_a_hint(client: Browser) -> None:
    chat = Chat(client).send(" \n\t ")

    assert chat.status == 400
    assert "nothing to send" in chat.problem


@pytest.mark.parametrize(
    "fields",
    [{"text": "x" * (LONGEST_MESSAGE + 1)}, {"temperature": "warm"}, {"temperature": "7"}, {"temperature": "nan"}],
    ids=["over-long", "no number", "too warm", "not a number"],
)
def test_a_wrong_form_is_refused_in_a_sentence(client: Browser, fields: dict[str, str]) -> None:
    response = Chat(client).post("/chat/send", **({"text": "Hello"} | fields))

    assert response.status_code == 400
    assert "Something in the form" in response.get_data(as_text=True)


def test_a_model_that_is_not_offered_is_never_replaced_silently(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client).send("For that one only", model="gone")

    assert chat.status == 400
    assert "not offered" in chat.problem
    assert chat.draft == "For that one only"
    assert (chat.turns, fake.calls) == ([], [])


def test_control_characters_and_lone_surrogates_are_taken_out(client: Browser, fake: FakeProvider) -> None:
    data = Chat(client).fields() | {"model": "ok"}
    body = b"&".join(f"{name}={value}".encode() for name, value in data.items() if name != "text")

    response = client.post(
        "/chat/send", data=body + b"&text=a%00b%1Bc%0D%0Ad", content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code == 200
    assert fake.last().body["messages"][0]["content"] == "abc\nd"
    assert clean("a\ud800\x7fb") == "a?b"


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.bin", b"\x00\x01\x02" * 50, "cannot be read"),
        ("empty.txt", b"", "empty"),
        ("large.txt", b"x" * 10_100_000, "over 10 MB"),
        ("broken.pdf", b"%PDF-1.4 nothing", "PDF"),
    ],
)
def test_a_file_that_cannot_be_taken_leaves_the_words(client: Browser, name: str, data: bytes, sentence: str) -> None:
    chat = Chat(client).send("Look at this", files=upload(name, data))

    assert chat.status in (400, 413)
    assert sentence in chat.problem
    assert chat.draft == "Look at this"
    assert chat.turns == []


def test_a_picture_goes_only_to_a_model_that_sees(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client).send("What is it?", model="ok", files=upload("a.png", png(), "image/png"))
    refused = (chat.status, chat.problem, chat.draft, len(fake.calls))

    chat.send("What is it?", model="sees", files=upload("a.png", png(), "image/png"))

    assert refused == (
        400,
        "Model ok cannot see pictures. Choose a model that can, or remove the picture from the conversation.",
        "What is it?",
        0,
    )
    assert chat.said[1] == "Hello, world."
    assert "data:image/png;base64," in fake.last().prompt


@pytest.mark.parametrize("model", ["echo-400", "echo-500", "too-long", "reset", "garbage", "unauthorized"])
def test_a_failing_provider_keeps_the_question_and_offers_a_retry(client: Browser, fake: FakeProvider, model: str) -> None:
    chat = Chat(client).send("My canary question", model=model)

    question, answer = chat.turns
    assert (question.text, answer.text, answer.state) == ("My canary question", "", "failed")
    assert "Try again" in answer.problem
    assert "canary" not in answer.problem

    chat.act("regenerate", turn=answer.id, model="ok")

    assert chat.said == ["My canary question", "Hello, world."]
    assert chat.turns[1].place == ""


def test_an_answer_that_breaks_off_keeps_what_came(client: Browser) -> None:
    chat = Chat(client).send("Hello", model="cut")

    assert chat.turns[1].text == "Hello,"
    assert chat.turns[1].state == "failed"
    assert "broke off" in chat.turns[1].problem


def test_a_post_without_the_csrf_token_is_refused(client: Browser, fake: FakeProvider) -> None:
    chat = Chat(client)
    data = chat.fields() | {"text": "Hello", "model": "ok"}
    del data["csrf_token"]

    statuses = {
        path: client.post(path, data=data).status_code
        for path in ("/chat/send", "/chat/send/stream", "/chat/switch", "/chat/remove", "/chat/save", "/chat/dont-save")
    }

    assert set(statuses.values()) == {400}, statuses
    assert fake.calls == []


def test_the_site_may_want_an_account(make_app: MakeApp, fake: FakeProvider) -> None:
    client = make_app({"providers": providers(fake.url), "sign_in.guests": False}).test_client()
    assert isinstance(client, Browser)

    chat = Chat(client).send("Hello", model="ok")

    assert chat.status == 403
    assert fake.calls == []


def test_nobody_can_be_asked_where_no_model_is_offered(make_app: MakeApp) -> None:
    client = make_app().test_client()
    assert isinstance(client, Browser)

    chat = Chat(client).send("Hello")

    assert chat.status == 400
    assert "No model can be asked" in chat.problem
    assert chat.draft == "Hello"


def test_a_failing_call_is_written_down_once(app: Flask, client: Browser) -> None:
    Chat(client).send("Hello", model="cut")

    (usage,) = db.session.query(Usage).all()
    assert (usage.status, usage.code, usage.model) == ("failed", "provider_cut", "cut")
