"""What a model says that was told its tools in words, as OpenAI's protocol says it: whole, or as it arrives.

The grammar lets it say one call (`{"name": "…", "arguments": {…}}`, spaced just so) or words that begin with no brace. What
is cut in the middle, or is neither, is passed on as far as it came: nothing that a model says is a failure.
"""

from collections.abc import Iterator

import msgspec

from chat.providers.problems import Failure, problem
from chat.providers.translation.reading import is_object, read_object
from chat.providers.translation.refusal import Json
from chat.providers.translation.tools_told import call_begins

_DONE = b"[DONE]"
_encode = msgspec.json.Encoder().encode


class Choice:
    """What one of the answer's choices has said so far, as deltas of the protocol."""

    def __init__(self, names: tuple[str, ...], call_id: str) -> None:
        self._begins = {call_begins(name): name for name in names}
        self._call_id = call_id
        self._undecided: str | None = ""
        self._arguments: list[str] | None = None
        self._held = ""  # a brace that is the arguments' last one or the call's own: which, only what follows tells

    def take(self, text: str) -> Iterator[Json]:
        """Yield what can be said of `text` and what came before it."""
        if not text:
            return
        if self._arguments is not None:
            yield from self._more(text)
        elif self._undecided is None:
            yield {"content": text}
        else:
            yield from self._decide(self._undecided + text)

    def end(self, reason: str) -> tuple[list[Json], str]:
        """Return what is left to say, and why it ended. `reason` is the engine's."""
        if self._arguments is None:
            return [], reason  # a call cut off in its name is nothing that could be said
        said = "".join(self._arguments)
        if is_object(said):
            return [], "tool_calls" if reason == "stop" else reason
        return [_piece(self._held)] if self._held else [], reason

    def _decide(self, text: str) -> Iterator[Json]:
        self._undecided = text
        for begin, name in self._begins.items():
            if text.startswith(begin):
                self._arguments = []
                function = {"name": name, "arguments": ""}
                yield {"tool_calls": [{"index": 0, "id": self._call_id, "type": "function", "function": function}]}
                yield from self._more(text[len(begin) :])
                return
        if not any(begin.startswith(text) for begin in self._begins):
            self._undecided = None
            yield {"content": text}

    def _more(self, text: str) -> Iterator[Json]:
        text = self._held + text
        self._held = "}" if text.endswith("}") else ""
        if said := text.removesuffix("}"):
            assert self._arguments is not None
            self._arguments.append(said)
            yield _piece(said)


class StreamWithCalls:
    """One stream's translation."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._choices: dict[int, Choice] = {}

    def reads(self, reads: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
        """Yield the data of each read's events, translated. Raises ProviderProblem, behind what could be said before it."""
        for read in reads:
            said: list[bytes] = []
            try:
                for data in read:
                    said.extend(self._translate(data))
            except Exception:
                if said:
                    yield said
                raise
            if said:
                yield said

    def _translate(self, data: bytes) -> Iterator[bytes]:
        chunk = {} if data == _DONE else read_object(data)
        if not chunk.get("choices"):
            yield data
            return
        for choice in chunk["choices"]:
            for delta, reason in self._deltas(chunk, choice):
                # What is told of tokens is about words; the tokens of a call are not those of its arguments alone.
                told = {"logprobs": None} if "logprobs" in choice and "content" not in delta else {}
                yield _encode(chunk | {"choices": [choice | told | {"delta": delta, "finish_reason": reason}]})

    def _deltas(self, chunk: Json, choice: Json) -> Iterator[tuple[Json, str | None]]:
        index, delta = choice.get("index") or 0, choice.get("delta") or {}
        reader = self._choices.get(index)
        if reader is None:
            reader = self._choices[index] = Choice(self._names, _call_id(chunk, index))
        text = delta.get("content")
        if rest := {name: value for name, value in delta.items() if name != "content" or not text}:
            yield rest, None
        for said in reader.take(text or ""):
            yield said, None
        if reason := choice.get("finish_reason"):
            left, reason = reader.end(reason)
            for said in left:
                yield said, None
            yield {}, reason


def answer_with_calls(body: bytes, names: tuple[str, ...]) -> bytes:
    """Return a whole answer, translated. Raises ProviderProblem when `body` is none."""
    said = read_object(body)
    if not said.get("choices"):
        raise problem(Failure.GARBLED)
    choices = [_whole(choice, names, _call_id(said, choice.get("index") or 0)) for choice in said["choices"]]
    return _encode(said | {"choices": choices})


def _whole(choice: Json, names: tuple[str, ...], call_id: str) -> Json:
    reader = Choice(names, call_id)
    deltas = [*reader.take(choice["message"].get("content") or "")]
    left, reason = reader.end(choice.get("finish_reason") or "stop")
    deltas += left
    message = choice["message"] | {"content": "".join(one["content"] for one in deltas if "content" in one) or None}
    calls = [one["tool_calls"][0] for one in deltas if "tool_calls" in one]
    if calls:
        arguments = "".join(one["function"]["arguments"] for one in calls)
        function = {"name": calls[0]["function"]["name"], "arguments": arguments}
        message["tool_calls"] = [{"id": call_id, "type": "function", "function": function}]
    return choice | {"message": message, "finish_reason": reason}


def _call_id(answer: Json, index: int) -> str:
    """Return an id for the call out of the answer's own: one answer makes one call, and each choice of it is another one."""
    return f"call_{str(answer.get('id')).removeprefix('chatcmpl-')}_{index}"


def _piece(arguments: str) -> Json:
    return {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
