"""A provider without a model: it says what it was told. Tests and demonstrations use it; nothing leaves the process."""

import re
import threading
from collections.abc import Iterator

from chat.providers.base import (
    Cancel,
    Event,
    File,
    Finished,
    FinishReason,
    Image,
    Message,
    ReasoningDelta,
    Request,
    Role,
    Text,
    TextDelta,
    Usage,
)
from chat.providers.files import file_as_text

_WORD = re.compile(r"\S*\s*")


class EchoProvider:
    """Repeats the newest message word by word, `delay` seconds apart; stops at `max_tokens` words."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self._delay = delay

    def stream(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        stopped = threading.Event()
        cancel.on_set(stopped.set)
        words = [word for word in _WORD.findall(_newest(request)) if word]
        said = words if request.max_tokens is None else words[: request.max_tokens]
        if request.reasoning:
            yield ReasoningDelta("The person wrote something, and I shall repeat it.")
        for count, word in enumerate(said):
            if stopped.wait(self._delay) if self._delay else stopped.is_set():
                yield Usage(_count(request), count)
                yield Finished(FinishReason.STOPPED)
                return
            yield TextDelta(word)
        yield Usage(_count(request), len(said))
        yield Finished(FinishReason.LENGTH if len(said) < len(words) else FinishReason.STOP)


def _newest(request: Request) -> str:
    asked = [message for message in request.messages if message.role is Role.USER]
    return _text(asked[-1]) if asked else ""


def _text(message: Message) -> str:
    shown = []
    for part in message.parts:
        match part:
            case Text():
                shown.append(part.text)
            case File():
                shown.append(file_as_text(part))
            case Image():
                shown.append(f"[an image of {len(part.data)} bytes]")
    return "\n\n".join(shown)


def _count(request: Request) -> int:
    return len((request.system or "").split()) + sum(len(_text(message).split()) for message in request.messages)
