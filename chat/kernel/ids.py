"""Random public ids: what URLs and logs carry in place of row numbers."""

import base64
import os
import re
import secrets
from collections import deque

# 96 bits: unguessable within any rate limit, and short enough to read in a URL.
_BYTES = 12
_AT_ONCE = 64
_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,24}")

_drawn: deque[str] = deque()
# Or two processes would give the same ids.
os.register_at_fork(after_in_child=_drawn.clear)


def public_id() -> str:
    """Return a new random id of 16 URL-safe characters. None begins with a dash: commands would take it for an option."""
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            _draw()


def _draw() -> None:
    """Draw many at once: to ask the system for one takes as long as much else of a request."""
    drawn = secrets.token_bytes(_BYTES * _AT_ONCE)
    ids = (base64.urlsafe_b64encode(drawn[at : at + _BYTES]).decode() for at in range(0, len(drawn), _BYTES))
    _drawn.extend(one for one in ids if not one.startswith("-"))


def is_public_id(text: str) -> bool:
    """Whether `text` could be one. PostgreSQL refuses some characters outright, so what comes in a URL is asked first."""
    return _SHAPE.fullmatch(text) is not None
