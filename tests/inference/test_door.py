"""The one door: who asks, what is allowed, limits, provider, meter; in this order, however it ends."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.inference import run
from chat.inference.events import Answer, Failed
from chat.inference.run import Call, Caller
from chat.kernel.db import db
from chat.kernel.errors import Problem, Refused, TooMany
from chat.kernel.site import current_site
from chat.metering.current import current_clerk
from chat.metering.ledger import Source
from chat.metering.models import Usage
from chat.providers.base import (
    Cancel,
    Event,
    Finished,
    FinishReason,
    Image,
    Message,
    Request,
    Role,
    Text,
    TextDelta,
)
from chat.providers.current import current_catalogue
from tests.browser import Browser
from tests.chatting import Chat, providers
from tests.conftest import MakeApp
from tests.fakes import FakeProvider
from tests.people import People, sign_in


@pytest.mark.parametrize(
    ("rate", "is_account"),
    [
        ("limits.guest_messages", False),
        ("limits.account_messages", True),
        ("limits.model_messages", False),
        ("limits.model_messages", True),
    ],
)
def test_a_limit_is_kept_before_the_provider_is_asked(
    make_app: MakeApp, fake: FakeProvider, rate: str, is_account: bool
) -> None:
    client = _site(make_app, fake, {rate: "2/hour"})
    if is_account:
        sign_in(client, People(current_site().keyring).alice)
    chat = Chat(client)

    statuses = [chat.send(f"Message {number}", model="ok").status for number in range(4)]

    assert statuses == [200, 200, 429, 429]
    assert len(fake.calls) == 2
    assert db.session.query(Usage).count() == 2


def test_each_account_has_a_limit_of_its_own(make_app: MakeApp, fake: FakeProvider) -> None:
    alice = _site(make_app, fake, {"limits.account_messages": "1/hour"})
    bob = alice.application.test_client()
    assert isinstance(bob, Browser)
    people = People(current_site().keyring)
    first, second = Chat(sign_in(alice, people.alice)), Chat(sign_in(bob, people.bob))

    statuses = [first.send("x").status, first.send("x").status, second.send("x").status]

    assert statuses == [200, 429, 200]


def test_each_model_has_a_limit_of_its_own(make_app: MakeApp, fake: FakeProvider) -> None:
    chat = Chat(_site(make_app, fake, {"limits.model_messages": "1/hour"}))

    assert [chat.send("x", model=model).status for model in ("ok", "ok", "echo")] == [200, 429, 200]


def test_a_guest_is_counted_by_address(make_app: MakeApp, fake: FakeProvider) -> None:
    client = _site(make_app, fake, {"limits.guest_messages": "1/hour"})
    data = Chat(client).fields() | {"text": "x", "model": "ok"}

    statuses = [
        client.post("/chat/send", data=data, environ_overrides={"REMOTE_ADDR": address}).status_code
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    ]

    assert statuses == [200, 429, 200, 200, 429, 200]


def test_what_is_refused_counts_against_no_limit_and_reaches_nobody(make_app: MakeApp, fake: FakeProvider) -> None:
    chat = Chat(_site(make_app, fake, {"limits.guest_messages": "1/hour"}))

    statuses = [chat.send("x", model="trains").status, chat.send(" ", model="ok").status, chat.send("x", model="ok").status]

    assert statuses == [403, 400, 200]
    assert [call.model for call in fake.calls] == ["ok"]
    assert db.session.query(Usage).count() == 1


def test_the_provider_learns_nothing_about_the_person(client: Browser, people: People, fake: FakeProvider) -> None:
    sign_in(client, people.alice)

    Chat(client).send("Hello", model="ok")
    Chat(client).send("Hello", model="claude")

    alice = people.alice
    personal = (alice.email, alice.public_id, alice.display_name, alice.fs_uniquifier, "127.0.0.1", "example.org")
    assert len(fake.calls) == 2
    for call in fake.calls:
        headers = {name: value for name, value in call.headers.items() if name != "host"}
        sent = json.dumps([call.path, headers, call.body]).lower()
        assert [value for value in personal if value.lower() in sent] == []
        assert set(call.body) & {"user", "metadata", "safety_identifier", "prompt_cache_key"} == set()
        assert "cookie" not in headers


def test_a_finished_call_is_written_down_with_the_providers_counts(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    Chat(client).send("Hé", model="ok")

    (usage,) = db.session.query(Usage).all()
    assert (usage.account_id, usage.source, usage.model, usage.provider) == (people.alice.id, "chat", "ok", "fake")
    assert (usage.status, usage.code, usage.estimated) == ("done", None, False)
    assert (usage.input_tokens, usage.output_tokens, usage.input_bytes, usage.output_bytes) == (9, 4, 3, 13)
    assert usage.first_token_ms is not None
    assert 0 <= usage.first_token_ms <= usage.total_ms


def test_a_guests_call_is_nobodys(client: Browser) -> None:
    Chat(client).send("Hello")

    (usage,) = db.session.query(Usage).all()
    assert usage.account_id is None


@pytest.mark.parametrize(
    ("model", "status", "code", "output_bytes", "answered"),
    [
        ("cut", "failed", "provider_cut", 7, True),
        ("echo-400", "failed", "provider_rejected", 0, False),
        ("garbage", "failed", "provider_garbled", 0, False),
        ("length", "done", None, 13, True),
    ],
)
def test_every_ending_is_written_down(
    client: Browser, model: str, status: str, code: str | None, output_bytes: int, answered: bool
) -> None:
    Chat(client).send("12345678", model=model)

    (usage,) = db.session.query(Usage).all()
    assert (usage.status, usage.code, usage.output_bytes) == (status, code, output_bytes)
    assert usage.estimated is (status == "failed")
    assert (usage.first_token_ms is not None) is answered
    if usage.estimated:
        assert (usage.input_tokens, usage.output_tokens) == (2, -(-output_bytes // 4))


def test_calls_that_store_nothing_are_written_down_together(app: Flask) -> None:
    commits: list[object] = []
    sa.event.listen(db.engine, "commit", commits.append)
    may_go_on, has_begun = threading.Event(), threading.Event()

    def busy(_connection: sa.Connection) -> None:
        has_begun.set()
        may_go_on.wait(10)

    def ask() -> None:
        with app.app_context():
            list(run.stream(_call(), _Script(Finished(FinishReason.STOP)), Cancel(), lambda _answer: None))

    current_clerk().post(busy)
    assert has_begun.wait(10)
    askers = [threading.Thread(target=ask) for _ in range(5)]
    for one in askers:
        one.start()
    by = time.monotonic() + 10
    while len(current_clerk()._waiting) < len(askers) and time.monotonic() < by:
        time.sleep(0.01)
    may_go_on.set()
    for one in askers:
        one.join(10)

    assert db.session.query(Usage).count() == len(askers)
    assert len(commits) == 2, "the busy one's, and one for all that waited"


def test_an_estimate_does_not_count_a_pictures_bytes(app: Flask) -> None:
    request = Request("m", (Message(Role.USER, (Text("12345678"), Image("image/png", b"x" * 1_000_000))),))

    list(run.stream(_call(request), _Script(Problem("no")), Cancel()))

    (usage,) = db.session.query(Usage).all()
    assert (usage.input_tokens, usage.input_bytes) == (1502, 1_000_008)


def test_an_unforeseen_failure_is_an_event_and_says_nothing(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    events = list(run.stream(_call(), _Script(TextDelta("Hel"), RuntimeError("the canary prompt")), Cancel()))

    assert events[0] == TextDelta("Hel")
    assert isinstance(events[1], Failed)
    assert "canary" not in events[1].message + caplog.text
    (usage,) = db.session.query(Usage).all()
    assert (usage.status, usage.code) == ("failed", "failed")


def test_what_breaks_after_the_reader_left_is_no_failure(app: Flask) -> None:
    cancel = Cancel()
    cancel.set()

    events = list(run.stream(_call(), _Script(TextDelta("Hel"), Problem("cut off")), cancel))

    assert events == [TextDelta("Hel")]
    assert db.session.query(Usage).one().status == "stopped"


def test_the_call_is_written_down_though_the_answer_cannot_be_kept(app: Flask) -> None:
    def keep(_answer: Answer) -> None:
        raise Refused("no")

    with pytest.raises(Refused):
        list(run.stream(_call(), _Script(TextDelta("x"), Finished(FinishReason.STOP)), Cancel(), keep))

    db.session.rollback()
    assert db.session.query(Usage).one().status == "done"


def test_an_account_closed_meanwhile_leaves_a_call_of_nobodys(app: Flask, people: People) -> None:
    closed = people.alice.id
    events = run.stream(replace(_call(), caller=Caller(closed, "x")), _Script(TextDelta("one"), TextDelta("two")), Cancel())
    next(events)
    db.session.execute(sa.delete(Account).where(Account.id == closed))
    db.session.commit()

    rest = list(events)

    assert rest == [TextDelta("two")]
    assert db.session.query(Usage).one().account_id is None


def test_an_answer_without_end_is_cut_and_its_provider_closed(app: Flask) -> None:
    script = _Script(*[TextDelta("x" * 100_000)] * 200)

    events = list(run.stream(_call(), script, Cancel()))

    assert events[-1] == Finished(FinishReason.LENGTH)
    assert len(events) < 100
    assert script.is_closed
    assert db.session.query(Usage).one().status == "done"


def test_a_closed_stream_closes_the_providers(app: Flask) -> None:
    script = _Script(TextDelta("one"), TextDelta("two"))
    events = run.stream(_call(), script, Cancel())
    next(events)

    events.close()  # type: ignore[attr-defined]  # a generator has it

    assert script.is_closed
    assert db.session.query(Usage).one().status == "stopped"


def test_a_model_that_trains_is_refused_before_it_is_counted(app: Flask) -> None:
    model = current_catalogue().find_model("trains")
    assert model is not None
    call = Call(Caller(None, "192.0.2.9"), model, Request("ok", ()), Source.CHAT)

    for _ in range(40):
        with pytest.raises(Refused):
            run.admit(call, current_site().profile, current_site().limits)
    for _ in range(30):
        run.admit(_call(), current_site().profile, current_site().limits)
    with pytest.raises(TooMany):
        run.admit(_call(), current_site().profile, current_site().limits)


class _Script:
    """A provider that yields and raises what it is given."""

    def __init__(self, *steps: Event | Exception) -> None:
        self._steps = steps
        self.is_closed = False

    def stream(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        try:
            for step in self._steps:
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.is_closed = True


def _call(request: Request | None = None) -> Call:
    model = current_catalogue().find_model("ok")
    assert model is not None
    request = request or Request("ok", (Message(Role.USER, (Text("Hello"),)),))
    return Call(Caller(None, "192.0.2.9"), model, request, Source.CHAT)


def _site(make_app: MakeApp, fake: FakeProvider, changes: dict[str, object]) -> Browser:
    client = make_app({"providers": providers(fake.url), **changes}).test_client()
    assert isinstance(client, Browser)
    return client
