"""Random public ids: what URLs and logs carry in place of row numbers."""

import secrets

# 96 bits: unguessable within any rate limit, and short enough to read in a URL.
_BYTES = 12


def public_id() -> str:
    """Return a new random id of 16 URL-safe characters."""
    return secrets.token_urlsafe(_BYTES)
