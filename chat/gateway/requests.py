"""A program's request as its top-level fields, each kept as the bytes it came in: what we do not know stays as it is."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from chat.inference.shown import Fields
from chat.kernel.errors import Problem
from chat.providers.passing import Protocol

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_LIMITS = {
    Protocol.CHAT: ("max_completion_tokens", "max_tokens"),
    Protocol.RESPONSES: ("max_output_tokens",),
    Protocol.MESSAGES: ("max_tokens",),
    Protocol.COUNT_TOKENS: (),
    Protocol.EMBEDDINGS: (),
}
_REQUIRED = {
    Protocol.CHAT: ("messages", list),
    Protocol.RESPONSES: ("input", (str, list)),
    Protocol.MESSAGES: ("messages", list),
    Protocol.COUNT_TOKENS: ("messages", list),
    Protocol.EMBEDDINGS: ("input", (str, list)),
}
_STARTS = {list: b"[", str: b'"'}


class BadRequest(Problem):
    status = 400
    code = "invalid_request"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Posted:
    """What the gateway itself needs to know of a request."""

    model: str
    fields: Fields = field(repr=False)
    streams: bool
    wants_usage: bool
    most_output: int | None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


# Made once: a decoder that is made for each field takes longer than the field.
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind | None) for kind in (str, float, bool, _StreamOptions)
}


def read_request(protocol: Protocol, body: bytes) -> Posted:
    """Return the request. Raises BadRequest, saying which field is wrong and what it must be."""
    try:
        fields = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not a JSON object.") from None
    model = _typed(fields, "model", str)
    if not model:
        raise BadRequest("`model` is missing: name one of GET /v1/models.")
    _check_required(protocol, fields)
    if protocol is Protocol.RESPONSES:
        _check_stateless(fields)
    limits = [_whole_number(fields, name) for name in _LIMITS[protocol]]
    most = next((one for one in limits if one is not None), None)
    if most is not None and most < 1:
        raise BadRequest(f"`{_LIMITS[protocol][0]}` must be at least 1.")
    options = _typed(fields, "stream_options", _StreamOptions) if protocol is Protocol.CHAT else None
    streams = bool(_typed(fields, "stream", bool))
    return Posted(model, fields, streams, bool(options and options.include_usage), most)


def _typed(fields: Fields, name: str, kind: type[T]) -> T | None:
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        found: T | None = _DECODERS[kind].decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = {str: "a string", float: "a whole number", bool: "true or false"}.get(kind, "an object")
        raise BadRequest(f"`{name}` must be {words}.") from None
    return found


def _whole_number(fields: Fields, name: str) -> int | None:
    number = _typed(fields, name, float)
    if number is None:
        return None
    if not number.is_integer():  # 16.0 is a whole number in JSON, as 16 is
        raise BadRequest(f"`{name}` must be a whole number.")
    return int(number)


def _check_required(protocol: Protocol, fields: Fields) -> None:
    name, kinds = _REQUIRED[protocol]
    raw = bytes(fields.get(name, b"")).lstrip()
    if not raw:
        raise BadRequest(f"`{name}` is missing.")
    starts = tuple(_STARTS[one] for one in (kinds if isinstance(kinds, tuple) else (kinds,)))
    if not raw.startswith(starts):
        raise BadRequest(f"`{name}` must be a list." if starts == (b"[",) else f"`{name}` must be a string or a list.")


def _check_stateless(fields: Fields) -> None:
    if _typed(fields, "store", bool):
        raise BadRequest(
            "`store: true` is refused: this site keeps nothing of what passes. Leave it out, and send the conversation."
        )
    for name in ("previous_response_id", "conversation"):
        if bytes(fields.get(name, b"null")) != b"null":
            raise BadRequest(
                f"`{name}` is refused: this site keeps no responses to go on from. Send the whole conversation as `input`."
            )
    if _typed(fields, "background", bool):
        raise BadRequest("`background: true` is refused: an answer that nobody waits for would have to be kept.")
