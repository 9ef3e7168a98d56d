"""An answer of Anthropic's messages as one of OpenAI's chat completions: whole, or as its events arrive.

What arrives is a provider's: it is decoded with care, and what is no answer ends in `Failure.GARBLED` or `Failure.CUT`.
"""

from collections.abc import Iterator

import msgspec

from chat.providers.problems import Failure, failure_of_error, problem
from chat.providers.translation.reading import read_object, say_together
from chat.providers.translation.refusal import Json

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_encode = msgspec.json.Encoder().encode


def answer_to_openai(body: bytes, *, model: str, created: int) -> bytes:
    """Return the whole answer. Raises ProviderProblem when `body` is none."""
    said = read_object(body)
    blocks = said.get("content")
    if said.get("type") != "message" or not isinstance(blocks, list):
        raise problem(Failure.GARBLED)
    texts = [one.get("text", "") for one in blocks if one.get("type") == "text"]
    thoughts = [one.get("thinking", "") for one in blocks if one.get("type") == "thinking"]
    calls = [_call(one) for one in blocks if one.get("type") == "tool_use"]
    message: Json = {"role": "assistant", "content": "".join(texts) or None, "refusal": None}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    reason = _REASONS.get(str(said.get("stop_reason")), "stop")
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return _encode(
        {
            "id": _named(said.get("id")),
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [choice],
            "usage": _usage(said.get("usage") or {}),
        }
    )


class StreamToOpenAI:
    """One stream's translation: what has been said of it so far."""

    def __init__(self, *, model: str, created: int, wants_usage: bool) -> None:
        self._model = model
        self._created = created
        self._wants_usage = wants_usage
        self._id = "chatcmpl-0"
        self._tools: dict[int, int] = {}  # the block's number there, the call's number here
        self._usage: Json = {}
        self._reason: str | None = None
        self._ended = False

    def events(self, reads: Iterator[list[bytes]]) -> Iterator[bytes]:
        """Yield events as they can be said. `reads` are the data of Anthropic's, as they came. Raises ProviderProblem."""
        for read in reads:
            yield from say_together(read, lambda data: self._translate(read_object(data)))
        if not self._ended:
            raise problem(Failure.CUT)

    def _translate(self, event: Json) -> Iterator[bytes]:
        match event:
            case {"type": "message_start", "message": dict(message)}:
                self._id = _named(message.get("id"))
                self._usage |= message.get("usage") or {}
                yield self._chunk({"role": "assistant", "content": ""})
            case {"type": "content_block_start", "index": int(index), "content_block": {"type": "tool_use"} as block}:
                number = self._tools.setdefault(index, len(self._tools))
                call = {"index": number, "id": block.get("id"), "type": "function"}
                yield self._chunk({"tool_calls": [call | {"function": {"name": block.get("name"), "arguments": ""}}]})
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
                yield from self._delta(index, delta)
            case {"type": "message_delta", "delta": dict(delta), **rest}:
                self._usage |= {name: value for name, value in (rest.get("usage") or {}).items() if value is not None}
                self._reason = _REASONS.get(str(delta.get("stop_reason")), "stop")
            case {"type": "message_stop"}:
                self._ended = True
                yield from self._end()
            case {"type": "error"}:
                raise problem(failure_of_error(_encode(event)) or Failure.FAILED)

    def _delta(self, index: int, delta: Json) -> Iterator[bytes]:
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                yield self._chunk({"content": text})
            case {"type": "thinking_delta", "thinking": str(text)}:
                yield self._chunk({"reasoning_content": text})
            case {"type": "input_json_delta", "partial_json": str(text)} if index in self._tools:
                yield self._chunk({"tool_calls": [{"index": self._tools[index], "function": {"arguments": text}}]})

    def _end(self) -> Iterator[bytes]:
        yield self._chunk({}, self._reason or "stop")
        if self._wants_usage:
            yield self._event({"choices": [], "usage": _usage(self._usage)})
        yield b"data: [DONE]\n\n"

    def _chunk(self, delta: Json, reason: str | None = None) -> bytes:
        return self._event({"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]})

    def _event(self, fields: Json) -> bytes:
        head = {"id": self._id, "object": "chat.completion.chunk", "created": self._created, "model": self._model}
        return b"data: %s\n\n" % _encode(head | fields)


def _named(given: object) -> str:
    return f"chatcmpl-{given}" if isinstance(given, str) else "chatcmpl-0"


def _call(block: Json) -> Json:
    arguments = _encode(block.get("input") or {}).decode()
    return {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": arguments}}


def _usage(given: Json) -> Json:
    """Return the count. Anthropic counts what its cache read and wrote apart from `input_tokens`; OpenAI's count holds it."""
    read, written = given.get("cache_read_input_tokens") or 0, given.get("cache_creation_input_tokens") or 0
    tokens_in = (given.get("input_tokens") or 0) + read + written
    tokens_out = given.get("output_tokens") or 0
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens_details": {"cached_tokens": read},
    }
