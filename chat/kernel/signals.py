"""What a browser says by itself about its person's wishes."""

from flask import request


def has_privacy_signal() -> bool:
    """Whether this request carries Global Privacy Control (https://w3c.github.io/gpc/): only the value 1 means yes."""
    return request.headers.get("Sec-GPC") == "1"
