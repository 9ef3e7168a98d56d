"""An answer of OpenAI's chat completions as one of its responses: whole, or as its events arrive. See `responses_to_chat`."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import takewhile

import msgspec

from chat.providers.problems import Failure, failure_of_error, problem
from chat.providers.translation.reading import read_choice, read_object, say_together
from chat.providers.translation.refusal import Json
from chat.providers.translation.response_items import Call, Event, Item, Thoughts, Words

_DONE = b"[DONE]"
# What a response repeats of its request, with what stands there where the request says nothing.
_REPEATED: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}
# What holds of each: the request's own metadata does not get as far as a model, and nothing is cut.
_SETTLED: Json = {"object": "response", "error": None, "metadata": {}, "truncation": "disabled"}
_encode = msgspec.json.Encoder().encode


def begin_response(given: Json, *, model: str, created: int) -> Json:
    """Return what is known of the response to this request before it is answered."""
    repeated = {name: default if given.get(name) is None else given[name] for name, default in _REPEATED.items()}
    return _SETTLED | repeated | {"created_at": created, "model": model}


def answer_to_response(body: bytes, begun: Json) -> bytes:
    """Return the whole answer. Raises ProviderProblem when `body` is none."""
    said, choice, message = read_choice(body)
    response_id, reason = _named(said), choice.get("finish_reason") or "stop"
    items = _items(message, response_id)
    output = [one.shown(_status(reason) if one is items[-1] else "completed") for one in items]
    return _encode(_response(begun, response_id, reason, output, said.get("usage") or {}))


def _items(message: Json, response_id: str) -> list[Item]:
    items: list[Item] = []
    for kind, text in ((Thoughts, message.get("reasoning_content")), (Words, message.get("content"))):
        if text:
            items.append(_full(kind(response_id, len(items)), text))
    for call in message.get("tool_calls") or ():
        items.append(_full(_call(response_id, call, len(items)), call["function"]["arguments"]))
    return items


def _call(response_id: str, given: Json, index: int) -> Call:
    return Call(response_id, index, given["id"], given["function"]["name"])


def _full(item: Item, text: str) -> Item:
    for _ in item.more(text):
        pass
    return item


class StreamToResponses:
    """One stream's translation. Its items come one behind the other: each ends where the next one begins."""

    def __init__(self, begun: Json) -> None:
        self._begun = begun
        self._number = 0
        self._id: str | None = None
        self._output: list[Json] = []  # the items that have ended
        self._item: Item | None = None
        self._said_of: object = None  # which one that is
        self._reason: str | None = None
        self._usage: Json = {}

    def events(self, reads: Iterator[list[bytes]]) -> Iterator[bytes]:
        """Yield events as they can be said. `reads` are the data of chat completions. Raises ProviderProblem."""
        for read in reads:
            yield from say_together(takewhile(_DONE.__ne__, read), lambda data: self._translate(read_object(data), data))
            if _DONE in read:
                break
        if self._id is None:
            raise problem(Failure.GARBLED)
        if self._reason is None:
            raise problem(Failure.CUT)
        yield b"".join(self._end(self._id))

    def _translate(self, chunk: Json, data: bytes) -> Iterator[bytes]:
        if chunk.get("error") is not None:
            raise problem(failure_of_error(data) or Failure.FAILED)
        if self._id is None:
            self._id = _named(chunk)
            for kind in ("response.created", "response.in_progress"):
                yield self._event(kind, {"response": _response(self._begun, self._id, None, [], {})})
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason
            yield from self._say(self._id, choice.get("delta") or {})

    def _say(self, response_id: str, delta: Json) -> Iterator[bytes]:
        for kind, text in ((Thoughts, delta.get("reasoning_content")), (Words, delta.get("content"))):
            if text:
                yield from self._say_of(kind, partial(kind, response_id), text)
        for call in delta.get("tool_calls") or ():
            arguments = (call.get("function") or {}).get("arguments")
            yield from self._say_of(call.get("index") or 0, partial(_call, response_id, call), arguments)

    def _say_of(self, which: object, make: Callable[[int], Item], text: str | None) -> Iterator[bytes]:
        if self._item is None or which != self._said_of:
            yield from self._close("completed")
            self._item, self._said_of = make(len(self._output)), which
            yield from self._numbered(self._item.begin())
        if text:
            yield from self._numbered(self._item.more(text))

    def _close(self, status: str) -> Iterator[bytes]:
        if self._item is not None:
            yield from self._numbered(self._item.end(status))
            self._output.append(self._item.shown(status))
            self._item = None

    def _end(self, response_id: str) -> Iterator[bytes]:
        yield from self._close(_status(self._reason))
        response = _response(self._begun, response_id, self._reason, self._output, self._usage)
        yield self._event(f"response.{response['status']}", {"response": response})

    def _numbered(self, events: Iterator[Event]) -> Iterator[bytes]:
        return (self._event(kind, fields) for kind, fields in events)

    def _event(self, kind: str, fields: Json) -> bytes:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), _encode(event))


def _named(answer: Json) -> str:
    return f"resp_{str(answer.get('id')).removeprefix('chatcmpl-')}"


def _status(reason: str | None) -> str:
    return {None: "in_progress", "length": "incomplete"}.get(reason, "completed")


def _response(begun: Json, response_id: str, reason: str | None, output: list[Json], usage: Json) -> Json:
    response = begun | {"id": response_id, "status": _status(reason), "output": output}
    response["incomplete_details"] = {"reason": "max_output_tokens"} if reason == "length" else None
    response["usage"] = _usage(usage) if usage else None
    return response


def _usage(given: Json) -> Json:
    tokens_in, tokens_out = given.get("prompt_tokens") or 0, given.get("completion_tokens") or 0
    cached = (given.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": tokens_out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens_in + tokens_out,
    }
