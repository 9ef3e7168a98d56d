"""Reading what a provider sent as JSON: with care, for it may be anything."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from chat.providers.problems import Failure, problem
from chat.providers.translation.refusal import Json

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_form = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_object(data: bytes) -> Json:
    """Return the JSON object that `data` is. Raises ProviderProblem when it is none."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # Raised out here, so that nothing of what came is chained to it.
    raise problem(Failure.GARBLED)


def read_choice(data: bytes) -> tuple[Json, Json, Json]:
    """Return a whole answer of chat completions, its first choice and what that says. Raises ProviderProblem."""
    match read_object(data):
        case {"choices": [{"message": dict(message)} as choice, *_]} as said:
            return said, choice, message
    raise problem(Failure.GARBLED)


def is_object(data: bytes | str) -> bool:
    """Return whether it is a JSON object. By its form alone: a number too large for this machine is one nevertheless."""
    try:
        _decode_form(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def say_together(events: Iterable[bytes], translate: Callable[[bytes], Iterator[bytes]]) -> Iterator[bytes]:
    """Yield what becomes of the events that came in one read as one piece: where the provider wrote once, so do we.

    What could be said before one of them failed is said before that is raised.
    """
    said: list[bytes] = []
    try:
        for event in events:
            said.extend(translate(event))
    except Exception:
        if said:
            yield b"".join(said)
        raise
    if said:
        yield b"".join(said)
