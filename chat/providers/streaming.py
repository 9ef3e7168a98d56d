"""What every HTTP provider does with a call: send it, decode its events, and end quietly when the reader has left."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import msgspec

from chat.providers.base import Cancel, Event, Finished, FinishReason, ProviderProblem, ReasoningDelta, TextDelta
from chat.providers.letterhead import Letterhead
from chat.providers.sse import decode_events
from chat.providers.transport import Transport

_encode = msgspec.json.Encoder().encode


class Said:
    """The words of one read, in order. Those that follow each other become one delta: they arrived together."""

    def __init__(self) -> None:
        self._kind: type[TextDelta] | type[ReasoningDelta] = TextDelta
        self._words: list[str] = []
        self._before: list[Event] = []

    def add(self, kind: type[TextDelta] | type[ReasoningDelta], words: str) -> None:
        if kind is not self._kind:
            self._before = self.take()
            self._kind = kind
        self._words.append(words)

    def take(self) -> list[Event]:
        """Return the deltas and forget them."""
        events, words = self._before, self._words
        self._before, self._words = [], []
        if words:
            events.append(self._kind("".join(words)))
        return events


class Answer(ABC):
    """What the events of one answer have told so far; each protocol has its own."""

    def __init__(self) -> None:
        self.said = Said()
        self.is_done = False

    @abstractmethod
    def take(self, read: list[bytes]) -> None:
        """Take in the events that one read brought. Raises ProviderProblem for one that is not an answer's."""

    @abstractmethod
    def end(self) -> Iterator[Event]:
        """Yield how it ended. Raises ProviderProblem where it did not end well."""


def stream_events(
    transport: Transport, cancel: Cancel, letterhead: Letterhead, body: dict[str, Any], answer: Answer
) -> Iterator[Event]:
    """Yield the answer's events. A reader who left gets `Finished(STOPPED)` in place of the problem that leaving caused."""
    try:
        if not cancel.is_set:
            with transport.open(cancel, letterhead, _encode(body)) as exchange:
                yield from _translate(decode_events(exchange.chunks()), answer)
                exchange.finish()
            return
    except ProviderProblem:
        if not cancel.is_set:
            raise
    yield Finished(FinishReason.STOPPED)


def _translate(reads: Iterator[list[bytes]], answer: Answer) -> Iterator[Event]:
    for read in reads:
        failure: ProviderProblem | None = None
        try:
            answer.take(read)
        except ProviderProblem as error:
            failure = error  # what was said before it in the same read comes first
        yield from answer.said.take()
        if failure is not None:
            raise failure
        if answer.is_done:
            break
    yield from answer.end()
