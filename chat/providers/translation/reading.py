"""Reading what a provider sent as JSON: with care, for it may be anything."""

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
