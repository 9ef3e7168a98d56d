"""Counting what passes by: the provider's own count where it gives one, else a token for each event, or four bytes.

Only what metering needs is decoded. Field names: OpenAI's chat completions, responses and embeddings, Anthropic's messages.
"""

from collections.abc import Iterator

import msgspec

_LARGEST_EVENT = 16 * 2**20
_BYTES_PER_TOKEN = 4


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
        rest = b""
        for chunk in chunks:
            self.bytes += len(chunk)
            text = rest + chunk if rest else chunk
            end = text.rfind(b"\n\n") + 2
            if end == 1:  # no event ends in here
                rest = self._bounded(text)
                if not hide_usage:
                    yield chunk
                continue
            events, rest = text[:end], text[end:]
            self.events += events.count(b"\n\n")
            if b'"usage"' in events:
                shown = b"".join(event for event in _split(events) if not self._only_counts(event))
                if hide_usage:
                    events = shown
            if not hide_usage:
                yield chunk
            elif events:
                yield events
        if rest:
            self._only_counts(rest)
            if hide_usage:
                yield rest

    def estimate_output(self) -> int:
        """Return about how many tokens came, where the provider did not count: a stream's events are about one token each."""
        return self.events or -(-self.bytes // _BYTES_PER_TOKEN)

    def _bounded(self, text: bytes) -> bytes:
        return text if len(text) <= _LARGEST_EVENT else b""

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


def _split(events: bytes) -> Iterator[bytes]:
    for event in events.split(b"\n\n")[:-1]:
        yield event + b"\n\n"
