"""The images of a request, in any of the protocols, as the embedded engine may get them.

llama.cpp fetches by itself what an image's address points to, and films too; it tries to read whatever it gets. So no address
reaches it that was not made here of bytes that were looked at, and nothing else that it would make of bytes or an address.
"""

import base64
from typing import Any

from chat.providers.base import Image
from chat.providers.engine_images import Allowance, image_of_base64, image_of_url
from chat.providers.translation.refusal import Json, NotAble, wrong

_SHOWN = ("image", "image_url", "input_image")
# What else llama.cpp reads or fetches, where a model has the parts for it.
_NEITHER = ("audio_url", "input_audio", "input_video", "video_url")


def settle_images(said: Any, model_id: str, *, sees_images: bool) -> int:
    """Put each image in `said` into the one form that is sent on, and return how many there are. Raises Problem."""
    left, allowance, count = [said], Allowance(), 0
    while left:
        match left.pop():
            case {"type": str(kind)} as image if kind in _SHOWN:
                if not sees_images:
                    raise NotAble(f"The model {model_id} does not see images. Leave them out, or ask another model.")
                _settle(image, kind, allowance)
                count += 1
            case {"type": str(kind)} if kind in _NEITHER:
                raise NotAble(f"The model {model_id} takes no `{kind}`. Leave it out, or ask another model.")
            case {"multimodal_data": _}:  # of llama.cpp's own, in what is to be embedded
                raise NotAble(f"The model {model_id} takes no `multimodal_data`. Leave it out.")
            case dict() as one:
                left += one.values()
            case list() as several:
                left += several
    return count


def _settle(shown: Json, kind: str, allowance: Allowance) -> None:
    match kind, shown:
        case ("image_url", {"image_url": {"url": str(url)}}) | ("input_image", {"image_url": str(url)}):
            image = image_of_url(url)
        case "image", {"source": {"type": "base64", "data": str(data)}}:
            image = image_of_base64(data)
        case "image", {"source": {"type": "url", "url": str(url)}}:
            image = image_of_url(url)
        case "input_image", {"file_id": str()}:
            raise NotAble("No files are kept here, so there is none to be named by `file_id`. Send the image as `image_url`.")
        case _:
            raise wrong(kind, "an image of the form that the protocol says")
    allowance.take(image)
    shown.update({"source": _source(image)} if kind == "image" else {"image_url": _url(image, kind)})


def _url(image: Image, kind: str) -> Any:
    url = f"data:{image.media_type};base64,{_text(image)}"
    return {"url": url} if kind == "image_url" else url


def _source(image: Image) -> Json:
    return {"type": "base64", "media_type": image.media_type, "data": _text(image)}


def as_block(part: Json) -> Json:
    """Return a part of chat completions that was settled as a block of Anthropic's."""
    match part:
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return {"type": "image", "source": _source(image_of_url(url))}
    return part


def _text(image: Image) -> str:
    return base64.b64encode(image.data).decode("ascii")
