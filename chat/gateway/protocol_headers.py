"""Headers by which a protocol itself says what a request means: its version, and what of it is only tried out yet.

They belong to the request as its fields do, and go along with it. Every other header of a program ends here.
"""

import re

from werkzeug.datastructures import Headers

from chat.gateway.requests import BadRequest
from chat.providers.passing import Protocol

_NAME = "[A-Za-z0-9][A-Za-z0-9_.=-]{0,79}"
NAMES = f"{_NAME}(, ?{_NAME}){{0,19}}"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NAMES = re.compile(NAMES)
_ANTHROPIC = {
    "anthropic-version": (re.compile(DAY), "a day like 2023-06-01"),
    "anthropic-beta": (_NAMES, "a list of names, with commas"),
}
_OPENAI = {"openai-beta": (_NAMES, "a list of names, with commas")}


def protocol_headers(protocol: Protocol, headers: Headers) -> dict[str, str]:
    """Return those headers of a request that go to a provider of its protocol. Raises BadRequest for an odd value."""
    known = _ANTHROPIC if protocol in (Protocol.MESSAGES, Protocol.COUNT_TOKENS) else _OPENAI
    passed = {}
    for name, (pattern, words) in known.items():
        value = headers.get(name)
        if value is None:
            continue
        if not pattern.fullmatch(value):
            raise BadRequest(f"The header `{name}` must be {words}.")
        passed[name] = value
    return passed
