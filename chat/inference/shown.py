"""A request's fields, and what of them the embedded engine gets to see."""

from typing import Any

import msgspec

from chat.kernel.errors import Problem
from chat.providers.catalogue import Model
from chat.providers.translation.images_shown import settle_images

Fields = dict[str, msgspec.Raw]

_SAID = ("messages", "input", "system")
_encode = msgspec.json.Encoder().encode


def plain(fields: Fields, name: str) -> Any:
    """Return the field's value, None where there is none. Raises Problem for one that cannot be read.

    The engine might read it all the same: deeper than we can look, there could be an address to fetch, or tools to leave out.
    """
    try:
        return msgspec.json.decode(fields.get(name, b"null"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise Problem(f"`{name}` cannot be read: it is no JSON, or nested too deeply.", code="invalid_request")


def shown_to_engine(model: Model, fields: Fields) -> tuple[Fields, int]:
    """Return the fields with their images as the engine may get them, and how many there are.

    Raises Problem for what llama.cpp would leave out in silence, fetch, or fail at. What other providers' models can do is
    theirs to say.
    """
    images = 0
    for name in _SAID:
        said = plain(fields, name)
        images += settle_images(said, model.id, sees_images=model.sees_images)
        # What it gets is what was read here, also where there seemed to be no image: a name that stands twice is one then.
        if model.sees_images and name in fields:
            fields = {**fields, name: msgspec.Raw(_encode(said))}
    return fields, images
