"""What every provider speaks: a request of plain values in, a stream of tagged events out. Knows no SDK and no Flask."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from chat.kernel.errors import Problem


@dataclass(frozen=True, slots=True)
class Text:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Image:
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """A file as the text that was read from it; providers send it as text, so that every model can use it."""

    name: str
    media_type: str
    text: str = field(repr=False)


Part = Text | Image | File


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a model. `model` is the provider's own name for it; None leaves a parameter to the provider."""

    model: str
    messages: tuple[Message, ...]
    system: str | None = field(default=None, repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; `estimated` marks a count of our own."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    FILTER = "filter"
    STOPPED = "stopped"  # the reader left


@dataclass(frozen=True, slots=True)
class Finished:
    reason: FinishReason


Event = TextDelta | ReasoningDelta | Usage | Finished


class ProviderProblem(Problem):
    """A provider failed. The code is ours, the sentence is for people, and nothing of the upstream's body is kept."""

    status = 502
    code = "provider_failed"


class Cancel:
    """One reader's wish to stop, seen from any thread: `set()` runs what was registered, once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._set = False

    @property
    def is_set(self) -> bool:
        return self._set

    def on_set(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the reader leaves; at once if that was before."""
        with self._lock:
            if not self._set:
                self._callbacks.append(callback)
                return
        callback()

    def set(self) -> None:
        with self._lock:
            if self._set:
                return
            self._set = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


class Provider(Protocol):
    """A place where models run. `stream` raises ProviderProblem; closing the iterator closes the upstream request."""

    def stream(self, request: Request, cancel: Cancel) -> Iterator[Event]: ...
