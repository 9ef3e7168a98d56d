"""An answer of OpenAI's chat completions as one of Anthropic's messages: whole, or event by event. See `answer_to_openai`."""

from collections.abc import Iterator
from itertools import takewhile

import msgspec

from chat.providers.problems import Failure, failure_of_error, problem
from chat.providers.translation.reading import read_choice, read_object, say_together
from chat.providers.translation.refusal import Json

_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_DONE = b"[DONE]"
_encode = msgspec.json.Encoder().encode


def answer_to_anthropic(body: bytes, *, model: str) -> bytes:
    """Return the whole answer. Raises ProviderProblem when `body` is none."""
    said, choice, message = read_choice(body)
    blocks: list[Json] = []
    if thoughts := message.get("reasoning_content") or message.get("reasoning"):
        blocks.append({"type": "thinking", "thinking": thoughts, "signature": ""})
    if text := message.get("content") or message.get("refusal"):
        blocks.append({"type": "text", "text": text, "citations": None})
    blocks += [_tool_use(one) for one in message.get("tool_calls") or ()]
    return _encode(
        {
            "id": _named(said.get("id")),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": blocks,
            "stop_reason": _REASONS.get(str(choice.get("finish_reason")), "end_turn"),
            "stop_sequence": None,
            "usage": _usage(said.get("usage") or {}),
        }
    )


class StreamToAnthropic:
    """One stream's translation. Blocks follow each other there, here pieces of any kind may come: one is open at a time."""

    def __init__(self, *, model: str, input_estimate: int) -> None:
        self._model = model
        self._input_estimate = input_estimate
        self._begun = False
        self._blocks = 0
        self._open: tuple[str, int] | None = None  # the kind of the open block, and for a tool its number there
        self._called: set[int] = set()
        self._usage: Json = {}
        self._reason: str | None = None

    def events(self, reads: Iterator[list[bytes]]) -> Iterator[bytes]:
        """Yield events as they can be said. `reads` are the data of OpenAI's, as they came. Raises ProviderProblem."""
        is_done = False
        for read in reads:
            yield from say_together(takewhile(_DONE.__ne__, read), lambda data: self._translate(read_object(data), data))
            if _DONE in read:
                is_done = True
                break
        if not self._begun:
            raise problem(Failure.GARBLED)
        if not is_done and self._reason is None:
            raise problem(Failure.CUT)
        end = {"stop_reason": _REASONS.get(self._reason or "stop", "end_turn"), "stop_sequence": None}
        last = {"type": "message_delta", "delta": end, "usage": _usage(self._usage)}
        yield b"".join((*self._close(), _event(last), _event({"type": "message_stop"})))

    def _translate(self, chunk: Json, data: bytes) -> Iterator[bytes]:
        if chunk.get("error") is not None:
            raise problem(failure_of_error(data) or Failure.FAILED)
        if not self._begun:
            self._begun = True
            yield self._start(chunk)
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason
            delta = choice.get("delta") or {}
            if thoughts := delta.get("reasoning_content") or delta.get("reasoning"):
                yield from self._piece("thinking", {"type": "thinking_delta", "thinking": thoughts})
            if text := delta.get("content") or delta.get("refusal"):
                yield from self._piece("text", {"type": "text_delta", "text": text})
            for call in delta.get("tool_calls") or ():
                yield from self._tool(call)

    def _start(self, chunk: Json) -> bytes:
        # The provider counts at the end; until then the input is our estimate, and `message_delta` corrects it.
        usage = {"input_tokens": self._input_estimate, "output_tokens": 0}
        message = {"id": _named(chunk.get("id")), "type": "message", "role": "assistant", "model": self._model, "content": []}
        return _event(
            {"type": "message_start", "message": message | {"stop_reason": None, "stop_sequence": None, "usage": usage}}
        )

    def _piece(self, kind: str, delta: Json) -> Iterator[bytes]:
        if self._open is None or self._open[0] != kind:
            empty = (
                {"type": "thinking", "thinking": "", "signature": ""} if kind == "thinking" else {"type": "text", "text": ""}
            )
            yield from self._begin(kind, 0, empty)
        yield self._delta(delta)

    def _tool(self, call: Json) -> Iterator[bytes]:
        function, number = call.get("function") or {}, call.get("index") or 0
        if self._open != ("tool_use", number):
            if number in self._called:
                raise problem(Failure.GARBLED)  # more of a call that was closed already: it could not be said there
            self._called.add(number)
            yield from self._begin(
                "tool_use", number, {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": {}}
            )
        if arguments := function.get("arguments"):
            yield self._delta({"type": "input_json_delta", "partial_json": arguments})

    def _begin(self, kind: str, number: int, block: Json) -> Iterator[bytes]:
        yield from self._close()
        self._open = (kind, number)
        yield _event({"type": "content_block_start", "index": self._blocks, "content_block": block})

    def _delta(self, delta: Json) -> bytes:
        return _event({"type": "content_block_delta", "index": self._blocks, "delta": delta})

    def _close(self) -> Iterator[bytes]:
        if self._open is not None:
            self._open = None
            yield _event({"type": "content_block_stop", "index": self._blocks})
            self._blocks += 1


def _event(event: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), _encode(event))


def _named(given: object) -> str:
    return f"msg_{given}" if isinstance(given, str) else "msg_0"


def _tool_use(call: Json) -> Json:
    function = call.get("function") or {}
    try:
        given = msgspec.json.decode(function.get("arguments") or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        given = {"arguments": function.get("arguments")}  # what the model wrote, though it is no JSON
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}


def _usage(given: Json) -> Json:
    cached = (given.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {
        "input_tokens": max(0, (given.get("prompt_tokens") or 0) - cached),
        "output_tokens": given.get("completion_tokens") or 0,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
    }
