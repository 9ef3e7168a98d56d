"""An answer of OpenAI's chat completions as one of its responses: whole, or as its events arrive. See `responses_to_chat`."""

from collections.abc import Iterator
from itertools import takewhile

import msgspec

from chat.providers.problems import Failure, failure_of_error, problem
from chat.providers.translation.reading import read_object, say_together
from chat.providers.translation.refusal import Json

_DONE = b"[DONE]"
_encode = msgspec.json.Encoder().encode


def answer_to_response(body: bytes, *, model: str, created: int) -> bytes:
    """Return the whole answer. Raises ProviderProblem when `body` is none."""
    said = read_object(body)
    match said:
        case {"choices": [{"message": dict(message)} as choice, *_]}:
            pass
        case _:
            raise problem(Failure.GARBLED)
    response_id, reason = _named(said), choice.get("finish_reason")
    output = [_message(response_id, message["content"], reason)] if message.get("content") else []
    for call in message.get("tool_calls") or ():
        function = call["function"]
        output.append(_call(response_id, call["id"], function["name"], function["arguments"], reason))
    return _encode(_response(response_id, model, created, reason, output, said.get("usage") or {}))


class StreamToResponses:
    """One stream's translation. An answer there has one item here: words, or one call."""

    def __init__(self, *, model: str, created: int) -> None:
        self._model = model
        self._created = created
        self._number = 0
        self._id: str | None = None
        self._words: list[str] = []
        self._call: tuple[str, str] | None = None  # its id and the tool's name
        self._is_open = False
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
                yield self._event(kind, response=_response(self._id, self._model, self._created, None, [], {}))
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                yield from self._say(self._id, text)
            for call in delta.get("tool_calls") or ():
                yield from self._say_call(self._id, call)

    def _say(self, response_id: str, text: str) -> Iterator[bytes]:
        place = {"item_id": f"msg_{response_id}", "output_index": 0, "content_index": 0}
        if not self._is_open:
            self._is_open = True
            item = _message(response_id, "", None) | {"content": []}
            yield self._event("response.output_item.added", output_index=0, item=item)
            yield self._event("response.content_part.added", **place, part=_part(""))
        self._words.append(text)
        yield self._event("response.output_text.delta", **place, delta=text, logprobs=[])

    def _say_call(self, response_id: str, call: Json) -> Iterator[bytes]:
        function = call.get("function") or {}
        if self._call is None:
            self._call, self._is_open = (call["id"], function["name"]), True
            item = _call(response_id, *self._call, "", None)
            yield self._event("response.output_item.added", output_index=0, item=item)
        if arguments := function.get("arguments"):
            self._words.append(arguments)
            place = {"item_id": f"fc_{response_id}", "output_index": 0}
            yield self._event("response.function_call_arguments.delta", **place, delta=arguments)

    def _end(self, response_id: str) -> Iterator[bytes]:
        said = "".join(self._words)
        output: list[Json] = []
        if self._call is not None:
            output = [_call(response_id, *self._call, said, self._reason)]
            place = {"item_id": f"fc_{response_id}", "output_index": 0}
            yield self._event("response.function_call_arguments.done", **place, name=self._call[1], arguments=said)
        elif self._is_open:
            output = [_message(response_id, said, self._reason)]
            place = {"item_id": f"msg_{response_id}", "output_index": 0, "content_index": 0}
            yield self._event("response.output_text.done", **place, text=said, logprobs=[])
            yield self._event("response.content_part.done", **place, part=_part(said))
        if output:
            yield self._event("response.output_item.done", output_index=0, item=output[0])
        response = _response(response_id, self._model, self._created, self._reason, output, self._usage)
        yield self._event(f"response.{response['status']}", response=response)

    def _event(self, kind: str, **fields: object) -> bytes:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), _encode(event))


def _named(answer: Json) -> str:
    return f"resp_{str(answer.get('id')).removeprefix('chatcmpl-')}"


def _status(reason: str | None) -> str:
    return {None: "in_progress", "length": "incomplete"}.get(reason, "completed")


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message(response_id: str, text: str, reason: str | None) -> Json:
    message = {"id": f"msg_{response_id}", "type": "message", "role": "assistant", "status": _status(reason)}
    return message | {"content": [_part(text)]}


def _call(response_id: str, call_id: str, name: str, arguments: str, reason: str | None) -> Json:
    call = {"id": f"fc_{response_id}", "type": "function_call", "status": _status(reason)}
    return call | {"call_id": call_id, "name": name, "arguments": arguments}


def _response(response_id: str, model: str, created: int, reason: str | None, output: list[Json], usage: Json) -> Json:
    response: Json = {"id": response_id, "object": "response", "created_at": created, "model": model, "output": output}
    response |= {"status": _status(reason), "error": None, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
    response["incomplete_details"] = {"reason": "max_output_tokens"} if reason == "length" else None
    response["usage"] = _usage(usage) if usage else None
    return response


def _usage(given: Json) -> Json:
    tokens_in, tokens_out = given.get("prompt_tokens") or 0, given.get("completion_tokens") or 0
    return {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": (given.get("prompt_tokens_details") or {}).get("cached_tokens") or 0},
        "output_tokens": tokens_out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens_in + tokens_out,
    }
