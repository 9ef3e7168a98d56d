"""Random public ids: what URLs and logs carry in place of row numbers."""

import re
import secrets

# 96 bits: unguessable within any rate limit, and short enough to read in a URL.
_BYTES = 12
_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,24}")


def public_id() -> str:
    """Return a new random id of 16 URL-safe characters. None begins with a dash: commands would take it for an option."""
    while (new := secrets.token_urlsafe(_BYTES)).startswith("-"):
        pass
    return new


def is_public_id(text: str) -> bool:
    """Whether `text` could be one. PostgreSQL refuses some characters outright, so what comes in a URL is asked first."""
    return _SHAPE.fullmatch(text) is not None
