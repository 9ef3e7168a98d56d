"""What one protocol says and the other has no word for is refused by its name; nothing is left out in silence."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from chat.kernel.errors import Problem

Json = dict[str, Any]


class Untranslatable(Problem):
    """The request says something that the model's own protocol cannot say. Nothing was sent."""

    status = 400
    code = "untranslatable"


class NotAble(Problem):
    """The embedded model is asked for what it cannot do. Nothing was sent to it."""

    code = "not_supported_by_model"


@dataclass(frozen=True, slots=True)
class Translated:
    """A request in the other protocol. `hints` are the fields that changed nothing of the answer and were left out."""

    body: Json
    hints: tuple[str, ...] = ()


def refuse(what: str, protocol: str) -> Untranslatable:
    """Return the refusal of `what`, to be raised."""
    return Untranslatable(
        f"{what} cannot be translated for this model, which speaks {protocol}. Leave it out, or choose another model."
    )


def refuse_unknown(given: Mapping[Any, Any], known: Collection[str], protocol: str, where: str = "") -> None:
    """Raise for the first field that is set and not among the `known`."""
    for name, value in given.items():
        if name not in known and value is not None:
            raise refuse(f"`{where}{name}`", protocol)


def wrong(what: str, must_be: str) -> Problem:
    """Return the problem of a field that has the wrong form, to be raised."""
    return Problem(f"`{what}` must be {must_be}.", code="invalid_request")
