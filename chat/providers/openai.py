"""Chat completions, as OpenAI and everything compatible with it speak them.

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
    Message,
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

_OWN_HOST = "api.openai.com"
# These refuse any temperature but their own.
_FIXED_TEMPERATURE = re.compile(r"o\d|gpt-5")
_REASONS = {
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.FILTER,
}


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Chunk).decode


class OpenAIProvider:
    """One endpoint that speaks chat completions."""

    def __init__(self, letterhead: Letterhead, transport: Transport) -> None:
        self._letterhead = letterhead
        self._transport = transport
        self._is_own_host = letterhead.host == _OWN_HOST

    def stream(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        return stream_events(self._transport, cancel, self._letterhead, self.arguments(request), _Answer())

    def arguments(self, request: Request) -> dict[str, Any]:
        """Return what is asked, in the protocol's words."""
        arguments: dict[str, Any] = {
            "model": request.model,
            "messages": list(_messages(request)),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._is_own_host:
            # Others may refuse what they do not know.
            arguments["store"] = False
            if request.reasoning:
                arguments["reasoning_effort"] = "medium"
        if request.max_tokens is not None:
            arguments["max_completion_tokens" if self._is_own_host else "max_tokens"] = request.max_tokens
        if request.temperature is not None and not (self._is_own_host and _FIXED_TEMPERATURE.match(request.model)):
            arguments["temperature"] = request.temperature
        return arguments


def _messages(request: Request) -> Iterator[dict[str, Any]]:
    if request.system:
        yield {"role": "system", "content": request.system}
    for message in request.messages:
        yield {"role": message.role.value, "content": _content(message)}


def _content(message: Message) -> str | list[dict[str, Any]]:
    """Return plain text where there is no image: many compatible servers know nothing else."""
    if message.role is Role.USER and any(isinstance(part, Image) for part in message.parts):
        return [_part(part) for part in message.parts]
    return "\n\n".join(
        part.text if isinstance(part, Text) else file_as_text(part) for part in message.parts if not isinstance(part, Image)
    )


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case File():
            return {"type": "text", "text": file_as_text(part)}
        case Image():
            data = base64.b64encode(part.data).decode("ascii")
            return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{data}"}}


class _Answer(Answer):
    def __init__(self) -> None:
        super().__init__()
        self._is_begun = False
        self._reason: str | None = None
        self._usage: _Usage | None = None

    def take(self, read: list[bytes]) -> None:
        add = self.said.add
        for data in read:
            if data == b"[DONE]":
                self.is_done = True
                return
            chunk = _parsed(data)
            self._is_begun = True
            self._usage = chunk.usage or self._usage
            for choice in chunk.choices or ():
                self._reason = choice.finish_reason or self._reason
                delta = choice.delta
                if delta is None:
                    continue
                if reasoning := delta.reasoning_content or delta.reasoning:
                    add(ReasoningDelta, reasoning)
                if text := delta.content or delta.refusal:
                    add(TextDelta, text)

    def end(self) -> Iterator[Event]:
        if not self.is_done and self._reason is None:
            raise problem(Failure.CUT if self._is_begun else Failure.GARBLED)
        if self._usage is not None:
            yield Usage(self._usage.prompt_tokens or 0, self._usage.completion_tokens or 0)
        yield Finished(_REASONS.get(self._reason or "", FinishReason.STOP))


def _parsed(data: bytes) -> _Chunk:
    try:
        chunk = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        chunk = None
    if chunk is None:
        raise problem(Failure.GARBLED)
    if bytes(chunk.error) not in (b"", b"null"):
        raise problem(failure_of_error(data) or Failure.FAILED)
    return chunk
