"""What is asked of a model: the branch in view, as much of its end as fits."""

from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO

import pytest

from chat.conversations.exchange import Act, ask, finished, request_for
from chat.conversations.transcript import State, Transcript, answer, say
from chat.inference.events import Answer, Failed
from chat.kernel.errors import Problem
from chat.metering.ledger import Status
from chat.providers.base import File, FinishReason, Image, Part, Role, Text
from chat.providers.catalogue import Model
from chat.providers.data_policy import DataPolicy
from tests.images import WEBP, png

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MODEL = Model(
    id="m",
    name="M",
    provider_id="p",
    provider_name="P",
    kind="echo",
    upstream="upstream-m",
    sees_images=False,
    reasons=False,
    context=1_300,
    longest_answer=300,
    policy=DataPolicy("this machine", 0, False, "", date(2026, 11, 21)),
    host="",
)


def test_the_oldest_messages_give_way_and_the_first_is_a_persons() -> None:
    asked = ask(_talk(10, words="x" * 600), Act.SEND, None, (Text("last"),), NOW)

    request = request_for(asked, MODEL)

    # 1,000 tokens of room at 3 bytes each hold 3,000 bytes: two pairs of 1,200 and the question.
    assert [message.role for message in request.messages] == [Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT, Role.USER]
    assert request.messages[-1].parts == (Text("last"),)
    assert (request.model, request.max_tokens) == ("upstream-m", 300)


@pytest.mark.parametrize("instructions", ["", "y" * 10_000])
def test_the_newest_message_always_goes(instructions: str) -> None:
    transcript = replace(_talk(2, words="x"), instructions=instructions)

    request = request_for(ask(transcript, Act.SEND, None, (Text("z" * 9_000),), NOW), MODEL)

    assert request.messages[-1].parts == (Text("z" * 9_000),)
    assert request.system == (instructions or None)


def test_files_count_and_pictures_need_a_model_that_sees() -> None:
    picture: tuple[Part, ...] = (Image("image/png", b"x"), Text("look"))
    seen = request_for(ask(Transcript(), Act.SEND, None, picture, NOW), replace(MODEL, sees_images=True))

    assert seen.messages[0].parts == picture
    with pytest.raises(Problem, match="cannot see pictures"):
        request_for(ask(Transcript(), Act.SEND, None, picture, NOW), MODEL)
    assert request_for(ask(Transcript(), Act.SEND, None, (File("a", "text/plain", "b"),), NOW), MODEL).messages


def test_the_embedded_model_is_asked_only_what_its_engine_can_bear() -> None:
    here = replace(MODEL, kind="embedded", sees_images=True)
    webp = (Image("image/webp", WEBP),)

    with pytest.raises(Problem, match="cannot read WebP"):
        request_for(ask(Transcript(), Act.SEND, None, webp, NOW), here)
    assert request_for(ask(Transcript(), Act.SEND, None, webp, NOW), replace(here, kind="echo")).messages[0].parts == webp
    assert request_for(ask(Transcript(), Act.SEND, None, (Image("image/png", png()),), NOW), here).messages


@pytest.mark.parametrize(
    ("came", "state"),
    [
        (Answer(StringIO("a"), StringIO(), Status.DONE, FinishReason.STOP), State.DONE),
        (Answer(StringIO("a"), StringIO(), Status.DONE, FinishReason.LENGTH), State.CUT),
        (Answer(StringIO("a"), StringIO(), Status.STOPPED), State.STOPPED),
        (Answer(StringIO("a"), StringIO(), Status.FAILED, failed=Failed("code", "words")), State.FAILED),
        (Answer(StringIO(), StringIO(), Status.DONE, FinishReason.FILTER), State.DONE),
    ],
)
def test_an_answer_is_kept_as_it_ended(came: Answer, state: State) -> None:
    turn = finished(ask(Transcript(), Act.SEND, None, (Text("q"),), NOW), came)

    assert turn.state is state
    assert turn.text == "".join(came.text)
    assert turn.problem == ("words" if state is State.FAILED else "")


def test_continuing_keeps_what_was_said_when_nothing_more_comes() -> None:
    transcript = _talk(1, words="half")
    last = transcript.path()[-1]

    asked = ask(transcript, Act.CONTINUE, last.id, (), NOW)
    turn = finished(asked, Answer(StringIO(), StringIO(), Status.FAILED, failed=Failed("code", "words")))

    assert (turn.id, turn.text) == (last.id, "half")


def _talk(pairs: int, *, words: str) -> Transcript:
    transcript = Transcript(model="m")
    for _ in range(pairs):
        question = say(transcript.leaf, (Text(words),), NOW)
        reply = replace(answer(question.id, "m", NOW), parts=(Text(words),), state=State.DONE)
        transcript = transcript.add(question).add(reply)
    return transcript
