"""A request's fields, and what of them the embedded engine gets to see."""

from typing import Any

import msgspec

from chat.providers.catalogue import Model
from chat.providers.translation.images_shown import settle_images

Fields = dict[str, msgspec.Raw]

_SAID = ("messages", "input")
_encode = msgspec.json.Encoder().encode


def plain(fields: Fields, name: str) -> Any:
    """Return the field's value; None where there is none, or none that can be read, which is the model's server's to say."""
    try:
        return msgspec.json.decode(fields.get(name, b"null"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def shown_to_engine(model: Model, fields: Fields) -> tuple[Fields, int]:
    """Return the fields with their images as the engine may get them, and how many there are.

    Raises Problem for what llama.cpp would leave out in silence, fetch, or fail at. What other providers' models can do is
    theirs to say.
    """
    images = 0
    for name in _SAID:
        said = plain(fields, name)
        if found := settle_images(said, model.id, sees_images=model.sees_images):
            fields = {**fields, name: msgspec.Raw(_encode(said))}
            images += found
    return fields, images
