"""The schema of a tool's arguments, or of an answer, for the grammar that holds a model to it (llguidance, in llama.cpp)."""

from collections.abc import Iterator
from typing import Any

from chat.providers.translation.refusal import Json

# A small model fills room to write with tokens, so it gets none; the spaces are those that JSON in its training had.
_SPACED = {"whitespace_flexible": False, "key_separator": ": ", "item_separator": ", "}
# Without `strict`, arguments need only be about right in both protocols, so what no grammar can say is left to the caller.
_LENIENT = {"lenient": True, "coerce_one_of": True}
# Keywords whose values are data and no schemas.
_DATA = ("const", "enum", "default", "examples")
# What joins schemas that each say a part: one that is closed would forbid what the other part allows.
_JOINS = ("allOf", "anyOf", "oneOf", "$ref", "$dynamicRef", "if", "dependentSchemas", "patternProperties")


def held_to(schema: Json, *, is_strict: bool) -> Json:
    """Return what the model is held to. Every answer that satisfies it satisfies `schema`, as far as a grammar can say that."""
    closed = schema if any(map(_is_joined, _parts(schema))) else _closed(schema)
    return {**closed, "x-guidance": _SPACED if is_strict else _SPACED | _LENIENT}


def _parts(schema: Any) -> Iterator[Json]:
    left = [schema]
    while left:
        match left.pop():
            case dict() as one:
                yield one
                left += [value for name, value in one.items() if name not in _DATA]
            case list() as several:
                left += several


def _is_joined(part: Json) -> bool:
    return "allOf" in part or (isinstance(part.get("properties"), dict) and any(name in part for name in _JOINS))


def _closed(part: Any) -> Any:
    """Return the schema without properties that nobody named: the default model invents them until it is cut off."""
    match part:
        case dict():
            done = {name: value if name in _DATA else _closed(value) for name, value in part.items()}
            if isinstance(part.get("properties"), dict):
                done.setdefault("additionalProperties", False)
            return done
        case list():
            return [_closed(one) for one in part]
    return part
