import time

from chat.providers.base import Cancel, Finished, FinishReason, Provider, ReasoningDelta, TextDelta, Usage
from tests.fakes import FakeProvider
from tests.providers.asking import ask, asking, said


def test_an_answer_arrives_with_its_usage_and_its_end(provider: Provider) -> None:
    events = ask(provider, "ok")

    assert said(events) == "Hello, world."
    assert events[-2:] == [Usage(9, 4), Finished(FinishReason.STOP)]


def test_reasoning_comes_apart_from_the_answer(provider: Provider) -> None:
    events = ask(provider, "reasoning", reasoning=True)

    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Let me think."
    assert said(events) == "Hello, world."


def test_an_answer_that_is_cut_at_the_limit_says_so(provider: Provider) -> None:
    assert ask(provider, "length")[-1] == Finished(FinishReason.LENGTH)


def test_an_answer_that_the_provider_filtered_says_so(provider: Provider) -> None:
    assert ask(provider, "filtered")[-1] == Finished(FinishReason.FILTER)


def test_an_answer_that_ends_without_the_last_event_is_complete_when_it_said_why_it_ended(provider: Provider) -> None:
    assert ask(provider, "no-done")[-1] == Finished(FinishReason.STOP)


def test_words_are_passed_on_while_the_provider_is_still_talking(provider: Provider, fake: FakeProvider) -> None:
    events = provider.stream(asking("endless"), Cancel())

    first = next(events)

    assert isinstance(first, TextDelta)
    assert first.text.startswith("word0 ")
    assert fake.last().deltas_sent < 50


def test_words_that_wait_are_passed_on_together(provider: Provider, fake: FakeProvider) -> None:
    events = provider.stream(asking("slow"), Cancel())
    first = next(events)
    while fake.last().deltas_sent < 50:
        time.sleep(0.01)

    rest = [event for event in events if isinstance(event, TextDelta)]

    assert said([first, *rest]) == "".join(f"word{count} " for count in range(50))
    assert len(rest) < 5


def test_many_deltas_arrive_in_order(provider: Provider) -> None:
    assert said(ask(provider, "long")) == "".join(f"word{count} " for count in range(2000))


def test_a_connection_serves_one_answer_after_the_other(provider: Provider, fake: FakeProvider) -> None:
    for _ in range(3):
        ask(provider, "ok")

    assert {call.connection for call in fake.calls} == {1}
