"""Pictures as the engine may get them: whole, of a kind that it reads, and no larger than the machine can bear.

llama.cpp reads what it is given without a bound (stb_image): a PNG of 1.5 MB that said it was one pixel took 1.5 GB. It reads
every picture of a request before it looks whether they fit the model's context.
"""

import binascii
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from chat.kernel.beside import beside
from chat.kernel.errors import Problem, TooLarge
from chat.providers.base import Image
from chat.providers.images import DAMAGED, JPEG_SIZES, PNG, media_type_of, read_image
from chat.providers.translation.refusal import NotAble

MOST_PICTURES = 20
# Reading one takes up to 16 bytes for each pixel: half a gigabyte.
MOST_PIXELS = 32_000_000

_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PIECE = 2**20

_NO_IMAGE = "This is no image that the model on this machine reads. Send a PNG, a JPEG or a still GIF."
_REMOTE = (
    "The model on this machine is sent no addresses: nothing is fetched for it. Send the image itself: as "
    "`data:image/png;base64,…` in OpenAI's protocols, as a source of type `base64` in Anthropic's."
)


@dataclass(slots=True)
class Allowance:
    """What is left of what one request may show."""

    pictures: int = MOST_PICTURES
    pixels: int = MOST_PIXELS

    def take(self, picture: Image) -> None:
        """Count a picture that was read by `read_image`. Raises Problem when the engine must not get it."""
        if picture.media_type == "image/webp":
            raise NotAble("The model on this machine cannot read WebP. Save the picture as PNG or JPEG, and send that.")
        width, height = _size(picture)
        self.pictures -= 1
        self.pixels -= width * height
        if self.pictures < 0:
            raise NotAble(f"The model on this machine takes at most {MOST_PICTURES} pictures at once. Send fewer.")
        if self.pixels < 0:
            raise NotAble(
                f"The model on this machine takes at most {MOST_PIXELS // 10**6} million pixels at once, in all pictures "
                "together. Send fewer, or make them smaller."
            )
        if picture.media_type == "image/png":
            beside(_check_inflated, picture.data, width, height)


def image_of_url(url: str) -> Image:
    """Return the image that the address holds. Raises Problem unless it holds a whole one itself."""
    if not (start := _DATA_URL.match(url)):
        raise NotAble(_NO_IMAGE if url[:5].lower() == "data:" else _REMOTE)
    return image_of_base64(url[start.end() :])


def image_of_base64(text: str) -> Image:
    """Return the image. Raises Problem unless it is a whole one."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Problem("The data of an image is not base64.", code="invalid_request") from None
    kind = media_type_of(data)
    if kind is None:
        raise NotAble(_NO_IMAGE)
    try:
        return read_image(data, kind)
    except TooLarge as problem:
        said = problem.message
    raise NotAble(said)  # both protocols' clients expect 400 here; their 413 is about the request's bytes


def _size(picture: Image) -> tuple[int, int]:
    """Return width and height of a picture that was read before, so its form is known."""
    data = picture.data
    if picture.media_type == "image/png":
        width, height = struct.unpack_from(">II", data, 16)
    elif picture.media_type == "image/gif":
        width, height = struct.unpack_from("<HH", data, 6)
    else:
        at = 2
        while data[at + 1] not in JPEG_SIZES:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        height, width = struct.unpack_from(">HH", data, at + 5)
    return width, height


def _check_inflated(data: bytes, width: int, height: int) -> None:
    """Raise unless the compressed pixels are about as many as the header says. Twice as many leaves room for interlacing."""
    depth, colours = data[24], data[25]
    left = 2 * height * (1 + width * _CHANNELS.get(colours, 4) * depth // 8) + 1024
    inflating = zlib.decompressobj()
    try:
        for pixels in _pixels_of(data):
            pending = pixels
            while pending and left >= 0:
                left -= len(inflating.decompress(pending, _PIECE))
                pending = inflating.unconsumed_tail
    except zlib.error:
        left = -1
    if left < 0:
        raise Problem(DAMAGED, code="damaged_file")


def _pixels_of(png: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == b"IDAT":
            yield png[at + 8 : at + 8 + length]
        at += length + 12
