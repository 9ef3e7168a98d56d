"""Counting what passes by: the provider's own count where it gives one, else a token for each event, or four bytes.

Only what metering needs is decoded. Field names: OpenAI's chat completions, responses and embeddings, Anthropic's messages.
"""

import re
from collections.abc import Iterator

import msgspec

from chat.metering.ledger import estimate
from chat.providers.problems import Failure, problem

_LARGEST_EVENT = 16 * 2**20
# Where an event ends; some servers end their lines with CR and LF.
_END = re.compile(rb"\n\r?\n")


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None


class _Inner(msgspec.Struct):
    usage: _Usage | None = None


class _Said(msgspec.Struct):
    usage: _Usage | None = None
    message: _Inner | str | None = None  # Anthropic's message_start
    response: _Inner | None = None  # OpenAI's response.completed
    choices: list[msgspec.Raw] | None = None


_decode = msgspec.json.Decoder(_Said).decode


class Tally:
    """Tokens of one call. `None` where the provider has not said."""

    def __init__(self) -> None:
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cached_tokens = 0
        self.events = 0
        self.bytes = 0

    def read(self, body: bytes) -> None:
        """Take the count out of a whole answer."""
        self.bytes += len(body)
        self._take(body)

    def watch(self, chunks: Iterator[bytes], *, hide_usage: bool) -> Iterator[bytes]:
        """Yield a stream's bytes as they come, and count.

        `hide_usage` leaves out the chunk that only counts, which we asked the provider for and the caller did not. Then what
        is yielded ends with an event's end: half an event could not be taken back.
        """
        framing = _Framing()
        for chunk in chunks:
            self.bytes += len(chunk)
            events = framing.complete(chunk)
            if events:
                events = self._counted(events, hide_usage=hide_usage)
            if not hide_usage:
                yield chunk
            elif events:
                yield events
        if rest := framing.rest():
            self._only_counts(rest)
            if hide_usage:
                yield rest

    def estimate_output(self) -> int:
        """Return about how many tokens came, where the provider did not count: a stream's events are about one token each."""
        return self.events or estimate(self.bytes)

    def _counted(self, events: bytes, *, hide_usage: bool) -> bytes:
        self.events += events.count(b"\n\n") + events.count(b"\n\r\n")
        if b'"usage"' not in events:
            return events
        shown = b"".join(event for event in _split(events) if not self._only_counts(event))
        return shown if hide_usage else events

    def _only_counts(self, event: bytes) -> bool:
        """Take the count out of one event; return whether that was all there is in it."""
        at = event.find(b"data:")
        return at >= 0 and self._take(event[at + 5 :].strip())

    def _take(self, text: bytes) -> bool:
        try:
            said = _decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        begins = said.message if isinstance(said.message, _Inner) else None
        inner = begins or said.response
        usage = said.usage or (inner.usage if inner else None)
        if usage is None:
            return False
        self._count(usage, begins=begins is not None)
        return said.choices == []

    def _count(self, usage: _Usage, *, begins: bool) -> None:
        tokens_in = usage.prompt_tokens if usage.prompt_tokens is not None else usage.input_tokens
        tokens_out = usage.completion_tokens if usage.completion_tokens is not None else usage.output_tokens
        details = usage.prompt_tokens_details or usage.input_tokens_details
        cached = usage.cache_read_input_tokens or (details.cached_tokens if details else None) or 0
        if tokens_in is not None:
            # Anthropic counts what was read from and written to its cache apart; OpenAI's count holds it.
            apart = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
            self.input_tokens = max(tokens_in, 0) + apart
        # Anthropic's first event counts what had been said before it: nearly nothing, however much the reader then takes along.
        if tokens_out is not None and not begins:
            self.output_tokens = max(tokens_out, 0)
        self.cached_tokens = max(cached, self.cached_tokens)


class _Framing:
    """Which bytes of a stream are complete events. Only what is new is looked through, so that many pieces cost no square."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._tail = b""

    def complete(self, chunk: bytes) -> bytes:
        """Return the events that end in `chunk`, from where the last ones ended. Raises ProviderProblem for one without end."""
        self._parts.append(chunk)
        if not _END.search(self._tail + chunk):
            self._tail = (self._tail + chunk)[-3:]
            self._size += len(chunk)
            if self._size > _LARGEST_EVENT:
                raise problem(Failure.GARBLED)
            return b""
        text = self.rest()
        end = max(text.rfind(b"\n\n") + 2, text.rfind(b"\n\r\n") + 3)
        rest = text[end:]
        self._parts, self._size, self._tail = [rest] if rest else [], len(rest), rest[-3:]
        return text[:end]

    def rest(self) -> bytes:
        """Return the beginning of an event that has not ended."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


def _split(events: bytes) -> Iterator[bytes]:
    start = 0
    for end in _END.finditer(events):
        yield events[start : end.end()]
        start = end.end()
