import time

import pytest

from chat.providers.base import Cancel, Event, Provider, ProviderProblem
from chat.providers.transport import Deadlines
from tests.fakes import FakeProvider
from tests.providers.asking import ask, asking, problem_of, said
from tests.providers.conftest import Connect


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("echo-400", "provider_rejected"),
        ("echo-500", "provider_failed"),
        ("echo-event", "provider_failed"),
        ("error-event", "provider_failed"),
        ("overloaded-event", "provider_overloaded"),
        ("too-long", "provider_too_long"),
        ("unauthorized", "provider_auth"),
        ("quota", "provider_quota"),
        ("not-found", "provider_rejected"),
        ("redirect", "provider_failed"),
        ("reset", "provider_cut"),
        ("cut", "provider_cut"),
        ("garbage", "provider_garbled"),
        ("wrong-content-type", "provider_garbled"),
        ("json-body", "provider_garbled"),
        ("compressed", "provider_garbled"),
        ("huge-line", "provider_garbled"),
        ("stall", "provider_timeout"),
        ("first-byte-never", "provider_timeout"),
        ("headers-only", "provider_timeout"),
    ],
)
def test_each_failure_has_its_code_and_a_sentence_and_nothing_of_the_prompt(provider: Provider, script: str, code: str) -> None:
    error = problem_of(provider, script)

    assert error.code == code
    assert error.message.endswith(".")
    assert error.status >= 400


def test_a_provider_that_is_not_there_is_unreachable(connect: Connect) -> None:
    with FakeProvider() as fake:
        url = fake.url

    assert problem_of(connect(url), "ok").code == "provider_unreachable"


def test_what_came_before_the_cut_is_kept(provider: Provider) -> None:
    events: list[Event] = []

    with pytest.raises(ProviderProblem):
        events.extend(provider.stream(asking("cut"), Cancel()))

    assert said(events) == "Hello, "


@pytest.mark.parametrize(
    ("script", "deadlines"),
    [("stall", Deadlines(first_byte=30, idle=0.3)), ("headers-only", Deadlines(first_byte=0.3, idle=30))],
)
def test_the_first_byte_and_the_next_ones_each_have_their_time(
    fake: FakeProvider, connect: Connect, script: str, deadlines: Deadlines
) -> None:
    started = time.monotonic()

    assert problem_of(connect(fake.url, deadlines=deadlines), script).code == "provider_timeout"

    assert 0.2 < time.monotonic() - started < 5


@pytest.mark.parametrize("script", ["rate-limited-once", "overloaded-once", "gateway-once", "busy-once"])
def test_a_busy_provider_is_asked_again_before_the_first_byte(provider: Provider, fake: FakeProvider, script: str) -> None:
    events = ask(provider, script)

    assert said(events) == "Hello, world."
    assert len(fake.calls) == 2
    assert said(ask(provider, "ok")) == "Hello, world."
    assert [call.connection for call in fake.calls] == [1, 1, 1]  # each was read to its end, and served again


def test_a_provider_that_stays_busy_is_asked_three_times(provider: Provider, fake: FakeProvider) -> None:
    assert problem_of(provider, "rate-limited").code == "provider_rate_limited"
    assert len(fake.calls) == 3


@pytest.mark.parametrize(
    "script", ["rate-limited-long", "quota", "echo-400", "echo-500", "cut", "stall", "error-event", "first-byte-never"]
)
def test_what_a_retry_would_not_mend_is_asked_once(provider: Provider, fake: FakeProvider, script: str) -> None:
    problem_of(provider, script)

    assert len(fake.calls) == 1


def test_a_kept_connection_that_the_provider_closes_is_replaced(provider: Provider, fake: FakeProvider) -> None:
    ask(provider, "once-then-reset")

    problem_of(provider, "once-then-reset")

    assert [call.connection for call in fake.calls] == [1, 1, 2]
