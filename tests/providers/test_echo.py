import threading

from chat.providers.base import Cancel, Finished, FinishReason, ReasoningDelta, Usage
from chat.providers.echo import EchoProvider
from tests.providers.asking import ask, asking, said


def test_the_echo_repeats_the_newest_message_word_by_word() -> None:
    events = list(EchoProvider().stream(asking("echo", "one  two\nthree"), Cancel()))

    assert said(events) == "one  two\nthree"
    assert events[-2:] == [Usage(3, 3), Finished(FinishReason.STOP)]


def test_the_echo_keeps_to_the_longest_answer() -> None:
    events = ask(EchoProvider(), "echo", max_tokens=2)

    assert said(events) == "the canary "
    assert events[-1] == Finished(FinishReason.LENGTH)


def test_the_echo_reasons_when_asked() -> None:
    assert isinstance(ask(EchoProvider(), "echo", reasoning=True)[0], ReasoningDelta)


def test_the_echo_stops_when_the_reader_leaves() -> None:
    cancel = Cancel()
    threading.Timer(0.05, cancel.set).start()

    events = list(EchoProvider(delay=10).stream(asking("echo"), cancel))

    assert events[-1] == Finished(FinishReason.STOPPED)
