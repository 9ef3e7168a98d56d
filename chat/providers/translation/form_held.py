"""A JSON schema for the whole answer, held to by the same grammar as a tool's arguments, and tried first as theirs is.

llama.cpp makes a grammar of it too, and leaves out in silence what it cannot read of it, like a wrong `pattern`.
"""

import msgspec

from chat.providers.translation.refusal import Json, NotAble, wrong
from chat.providers.translation.tools_schema import held_to
from chat.providers.translation.tools_told import TRIAL, Told

_encode = msgspec.json.Encoder().encode


def has_schema(given: Json) -> bool:
    """Return whether a request of chat completions has one."""
    form = given.get("response_format")
    return isinstance(form, dict) and form.get("type") == "json_schema"


def hold_to_form(given: Json) -> Told:
    """Return the request with a grammar in the place of the schema. Raises NotAble, or Problem for a field of a wrong form."""
    if given.get("grammar"):
        raise NotAble("This model cannot hold to `response_format` and `grammar` in the same answer. Leave one of them out.")
    match given["response_format"]:
        case {"json_schema": {"schema": dict(schema), **rest}}:
            held = _encode(held_to(schema, is_strict=bool(rest.get("strict")))).decode()
        case _:
            raise wrong("response_format.json_schema.schema", "a JSON schema")
    body = {name: value for name, value in given.items() if name != "response_format"}
    return Told(body | {"grammar": _grammar(held)}, _grammar(held, start=f"{_encode(TRIAL).decode()} "))


def _grammar(schema: str, *, start: str = "") -> str:
    return f"%llguidance {{}}\nstart: {start}%json {schema}\n"
