"""Reading what a provider sent as JSON: with care, for it may be anything."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from chat.providers.problems import Failure, problem
from chat.providers.translation.refusal import Json

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def read_object(data: bytes) -> Json:
    """Return the JSON object that `data` is. Raises ProviderProblem when it is none."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # Raised out here, so that nothing of what came is chained to it.
    raise problem(Failure.GARBLED)


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
