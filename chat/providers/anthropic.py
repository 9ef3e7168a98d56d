"""Messages, as Anthropic and everything compatible with it speak them.

The SDK says where a request goes and with which headers. What it says, and what comes back, is written and read here: the
SDK's own ways are many times slower.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from chat.providers.base import (
    Cancel,
    Event,
    File,
    Finished,
    FinishReason,
    Image,
    Part,
    ReasoningDelta,
    Request,
    Role,
    Text,
    TextDelta,
    Usage,
)
from chat.providers.files import file_as_text
from chat.providers.letterhead import Letterhead
from chat.providers.problems import Failure, failure_of_error, problem
from chat.providers.streaming import Answer, stream_events
from chat.providers.transport import Transport

_DEFAULT_MAX_TOKENS = 4096
_LEAST_THINKING = 1024
_HOTTEST = 1.0
_ADAPTIVE = re.compile(r"claude-(?!3|\d|(opus|sonnet|haiku)-4-([0-5]|20)(\D|\d{6}|$))")
_FIXED_TEMPERATURE = re.compile(r"claude-(?!3|\d|(opus|sonnet|haiku)-4-([0-6]|20)(\D|\d{6}|$))")
_REASONS = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.FILTER,
}


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None


class _Message(msgspec.Struct):
    usage: _Usage | None = None


class _Delta(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None
    stop_reason: str | None = None


class _StreamEvent(msgspec.Struct):
    type: str
    message: _Message | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_StreamEvent).decode


class AnthropicProvider:
    """One endpoint that speaks messages."""

    def __init__(self, letterhead: Letterhead, transport: Transport) -> None:
        self._letterhead = letterhead
        self._transport = transport

    def stream(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        return stream_events(self._transport, cancel, self._letterhead, _arguments(request), _Answer())


def _arguments(request: Request) -> dict[str, Any]:
    most = request.max_tokens or _DEFAULT_MAX_TOKENS
    arguments: dict[str, Any] = {"model": request.model, "messages": _messages(request), "max_tokens": most, "stream": True}
    if request.system:
        arguments["system"] = request.system
    # An answer that was begun cannot be thought about again, and one that is thought about has no temperature.
    goes_on = request.messages[-1].role is Role.ASSISTANT
    if request.reasoning and not goes_on and (thinking := _thinking(request.model, most)) is not None:
        arguments["thinking"] = thinking
    elif request.temperature is not None and not _FIXED_TEMPERATURE.match(request.model):
        arguments["temperature"] = min(request.temperature, _HOTTEST)
    return arguments


def _thinking(model: str, most: int) -> dict[str, Any] | None:
    """Return how to ask `model` to think: newer ones choose how long, older ones and other vendors' get half the answer."""
    if _ADAPTIVE.match(model):
        return {"type": "adaptive", "display": "summarized"}
    return {"type": "enabled", "budget_tokens": max(_LEAST_THINKING, most // 2)} if most > _LEAST_THINKING else None


def _messages(request: Request) -> list[dict[str, Any]]:
    blocks = [(one.role, [_block(part) for part in one.parts if _says_something(part)]) for one in request.messages]
    role, last = blocks[-1]
    if role is Role.ASSISTANT:
        # Refused with white space at its end.
        last[:] = [block | {"text": block["text"].rstrip()} for block in last if block["type"] == "text"]
    return [{"role": role.value, "content": content} for role, content in blocks if content]


def _says_something(part: Part) -> bool:
    """Empty text is refused."""
    return not isinstance(part, Text) or bool(part.text.strip())


def _block(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case File():
            return {"type": "text", "text": file_as_text(part)}
        case Image():
            data = base64.b64encode(part.data).decode("ascii")
            return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": data}}


class _Counts:
    """Tokens as they are reported: what went in at the start, what came out at the end, either of them again at any time."""

    def __init__(self) -> None:
        self.came_in = 0
        self.went_out = 0
        self.is_known = False

    def take(self, usage: _Usage | None) -> None:
        if usage is None:
            return
        self.is_known = True
        came_in = (usage.input_tokens or 0) + (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
        self.came_in = max(came_in, self.came_in)
        self.went_out = usage.output_tokens or self.went_out


class _Answer(Answer):
    def __init__(self) -> None:
        super().__init__()
        self._is_begun = False
        self._reason: str | None = None
        self._counts = _Counts()

    def take(self, read: list[bytes]) -> None:
        for data in read:
            event = _parsed(data)
            self._is_begun = True
            self._counts.take(event.usage or (event.message.usage if event.message else None))
            if event.type == "message_stop":
                self.is_done = True
                return
            if (delta := event.delta) is not None:
                self._reason = delta.stop_reason or self._reason
                if delta.thinking:
                    self.said.add(ReasoningDelta, delta.thinking)
                if delta.text:
                    self.said.add(TextDelta, delta.text)

    def end(self) -> Iterator[Event]:
        if not self.is_done and self._reason is None:
            raise problem(Failure.CUT if self._is_begun else Failure.GARBLED)
        if self._counts.is_known:
            yield Usage(self._counts.came_in, self._counts.went_out)
        yield Finished(_REASONS.get(self._reason or "", FinishReason.STOP))


def _parsed(data: bytes) -> _StreamEvent:
    try:
        event = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event = None
    if event is None:
        raise problem(Failure.GARBLED)
    if event.type == "error":
        raise problem(failure_of_error(data) or Failure.FAILED)
    return event
