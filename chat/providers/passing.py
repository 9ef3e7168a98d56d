"""Requests that are passed on as they came: the caller's bytes to the provider, the provider's bytes back.

Used where the caller speaks the provider's own protocol, so that fields nobody here has heard of arrive untouched. What a
provider says about a failure is looked at for the part that is about the request, and otherwise dropped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec

from chat.providers.base import Cancel, ProviderProblem
from chat.providers.letterhead import Letterhead
from chat.providers.problems import Failure, failure_of_status, problem
from chat.providers.translation.reading import is_object
from chat.providers.transport import Exchange, Transport

# These say what is wrong with the request, in words that help whoever wrote it. The others are about the site's own account.
_ABOUT_THE_REQUEST = (400, 404, 413, 415, 422)
# llama.cpp of an image; where it only counts tokens, it calls that a failure of its own.
_UNREADABLE = "Failed to load image or audio file"
_LARGEST_ANSWER = 64 * 2**20
_LONGEST_WORDS = 2000
# How a stream of events can begin: with a field, a comment, or nothing yet. HTML and JSON begin otherwise.
_BEGINNINGS = (b"data", b"event", b"id", b"retry", b":")
_BLANK = b"\xef\xbb\xbf\r\n "


class Protocol(StrEnum):
    """An endpoint's path below `/v1`, the same for callers and providers."""

    CHAT = "chat/completions"
    MESSAGES = "messages"
    COUNT_TOKENS = "messages/count_tokens"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"


_SPOKEN = {
    "openai": frozenset({Protocol.CHAT, Protocol.RESPONSES, Protocol.EMBEDDINGS}),
    "anthropic": frozenset({Protocol.MESSAGES, Protocol.COUNT_TOKENS}),
    # Not its own messages: they lack their start where the first token is a part of a character. And not its own responses:
    # `text.format` is left out in silence, what is cut off is called complete, and events lack what OpenAI's SDK reads of
    # them (llama.cpp of October 2026).
    "embedded": frozenset(Protocol) - {Protocol.MESSAGES, Protocol.RESPONSES},
}


def spoken_by(kind: str) -> frozenset[Protocol]:
    """Return the protocols that providers of this kind speak themselves."""
    return _SPOKEN.get(kind, frozenset())


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """Where a connected provider is asked: its origin with `/v1`, and the headers that carry the site's key."""

    base_url: str
    headers: Mapping[str, str]
    # Whether pictures may be sent there at all; what the model makes of them is its provider's to say.
    sees_images: bool = True

    def letterhead(self, protocol: Protocol, more: Mapping[str, str]) -> Letterhead:
        """Return what stands above a request of this protocol; `more` are headers of its own."""
        address = urlsplit(self.base_url)
        headers = {
            **self.headers,
            **more,
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "user-agent": "candor",
        }
        return Letterhead(address.scheme, address.hostname or "", address.port, f"{address.path}/{protocol.value}", headers)


class RequestRejected(ProviderProblem):
    """The provider says that the request itself is wrong. `words` are the provider's, for the caller's eyes alone."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__("The model's provider did not accept this request.", code="provider_rejected")
        self.status = status
        self.words = words


@dataclass(slots=True, repr=False)
class Passed:
    """A provider's answer of status 200 as it arrives."""

    kind: str
    exchange: Exchange

    @property
    def is_stream(self) -> bool:
        return self.kind.lower().startswith("text/event-stream")

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes. Raises ProviderProblem when they stop coming, or are no events from the first one on."""
        chunks = self.exchange.chunks()
        for chunk in chunks:
            start = chunk.lstrip(_BLANK)
            if not any(start[: len(one)] == one[: len(start)] for one in _BEGINNINGS):
                raise problem(Failure.GARBLED)
            yield chunk
            break
        yield from chunks

    def read(self) -> bytes:
        """Return the whole answer. Raises ProviderProblem when it breaks off, is no JSON object, or larger than any is."""
        parts, size = [], 0
        for chunk in self.exchange.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > _LARGEST_ANSWER:
                raise problem(Failure.GARBLED)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if not is_object(body):
            raise problem(Failure.GARBLED)
        return body

    def close(self) -> None:
        """Give the connection back, or end it where the answer is not read to its end."""
        self.exchange.close()


def pass_on(
    transport: Transport,
    endpoint: Endpoint,
    protocol: Protocol,
    body: bytes,
    cancel: Cancel,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Passed:
    """Send `body` as it is, under `headers` of its protocol, and return the answer.

    Raises ProviderProblem; RequestRejected where the request is at fault.
    """
    exchange = transport.exchange(cancel)
    answer = transport.ask(exchange, endpoint.letterhead(protocol, headers), body)
    if answer is None:
        exchange.close()
        raise problem(exchange.failure or Failure.FAILED)
    kind = answer.headers.get("content-type", "")
    if answer.status == 200 and _is_expected(kind, answer.headers.get("content-encoding", "identity")):
        return Passed(kind, exchange)
    said = exchange.read_error() if answer.status != 200 else b""
    exchange.close()
    if answer.status == 200:
        raise problem(Failure.GARBLED)
    words = _words(said)
    if words and (answer.status in _ABOUT_THE_REQUEST or words == _UNREADABLE):
        raise RequestRejected(answer.status if answer.status in _ABOUT_THE_REQUEST else 400, words)
    raise problem(failure_of_status(answer.status, said))


def _is_expected(kind: str, encoding: str) -> bool:
    return kind.lower().startswith(("application/json", "text/event-stream")) and encoding == "identity"


class _Error(msgspec.Struct):
    message: str | None = None


class _Body(msgspec.Struct):
    error: _Error | str | None = None


def _words(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    words = error.message if isinstance(error, _Error) else error
    return (words or "")[:_LONGEST_WORDS]
