"""How large a request is: what the meter writes down and a receipt states, in bytes and by a guess in tokens."""

from chat.metering.ledger import estimate
from chat.providers.base import Image, Request

# What a picture costs a model that sees, roughly; its bytes say nothing about it.
_TOKENS_PER_IMAGE = 1500


def size_of(request: Request) -> int:
    """Return the bytes of all that is said in `request`: words, files and pictures."""
    parts = [part for message in request.messages for part in message.parts]
    return len((request.system or "").encode("utf-8", "replace")) + sum(
        len(part.data) if isinstance(part, Image) else len(part.text.encode("utf-8", "replace")) for part in parts
    )


def pictures_in(request: Request) -> int:
    """Return how many pictures go along."""
    return sum(isinstance(part, Image) for message in request.messages for part in message.parts)


def tokens_in(request: Request) -> int:
    """Return about how many tokens `request` is."""
    parts = [part for message in request.messages for part in message.parts]
    pictures = sum(len(part.data) for part in parts if isinstance(part, Image))
    return estimate(size_of(request) - pictures) + pictures_in(request) * _TOKENS_PER_IMAGE
