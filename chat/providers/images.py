"""Pictures as people attach them: recognised by their bytes, measured by their headers, and freed of what they tell besides.

Photos carry the place, the time and the device, and sometimes a video behind the picture. Only the parts that a decoder needs
are copied; nothing is decoded. A JPEG's orientation is kept, for without it a photo lies on its side.
"""

import re
import struct
from collections.abc import Iterator

from chat.kernel.errors import Problem, TooLarge
from chat.providers.base import Image

LONGEST_SIDE = 8_000  # pixels; providers refuse more
MOST_SCANS = 100  # a decoder goes over all of a JPEG for each, and a few bytes make one; cameras write 1, the web 10

PNG = b"\x89PNG\r\n\x1a\n"
PNG_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"IDAT", b"IEND"}
WEBP_NEEDED = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
WEBP_ANIMATED = 0x02
WEBP_METADATA = 0x20 | 0x08 | 0x04  # the flags that announce ICC, EXIF and XMP
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_NEEDED = JPEG_SIZES | {0xC4, 0xDB, 0xDD}
JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # after a scan: neither stuffing nor a restart

ANIMATED = "This picture is animated, and models look at still pictures. Attach one frame of it as PNG or JPEG."
DAMAGED = "This picture is damaged or cut off. Open it, save it again as PNG or JPEG, and attach that."


def media_type_of(data: bytes) -> str | None:
    """Return the media type of a picture we can take, by its first bytes, or None."""
    if data.startswith(PNG):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if data[:6] in (b"GIF87a", b"GIF89a") else None


def read_image(data: bytes, media_type: str) -> Image:
    """Return the picture without its metadata. Raises Problem when it is damaged, animated or too large."""
    strip = {"image/png": _strip_png, "image/jpeg": _strip_jpeg, "image/webp": _strip_webp, "image/gif": _strip_gif}[media_type]
    try:
        return Image(media_type, b"".join(strip(data)))
    except (struct.error, IndexError, StopIteration):
        raise Problem(DAMAGED, code="damaged_file") from None


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise Problem(DAMAGED, code="damaged_file")
    if max(width, height) > LONGEST_SIDE:
        raise TooLarge(
            f"This picture has {width:,} × {height:,} pixels; at most {LONGEST_SIDE:,} a side can be sent. Make it smaller."
        )


def _slice(data: bytes, start: int, length: int) -> bytes:
    if start + length > len(data):
        raise IndexError
    return data[start : start + length]


def _strip_png(data: bytes) -> Iterator[bytes]:
    yield PNG
    at, kind, pixels = len(PNG), b"", False
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        chunk = _slice(data, at, length + 12)
        if (kind == b"IHDR") != (at == len(PNG)):
            raise IndexError
        if kind == b"IHDR":
            _check_size(*struct.unpack_from(">II", chunk, 8))
        if kind == b"acTL":
            raise Problem(ANIMATED, code="animated_picture")
        pixels = pixels or kind == b"IDAT"
        if kind in PNG_NEEDED:
            yield chunk
        at += length + 12
    if not pixels:
        raise IndexError


def _strip_jpeg(data: bytes) -> Iterator[bytes]:
    yield b"\xff\xd8"
    at, sized, scans = 2, False, 0
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1  # padding between segments
        if data[at] != 0xFF:
            raise IndexError
        marker = data[at + 1]
        if marker == 0xD9:
            break
        length = struct.unpack_from(">H", data, at + 2)[0]
        segment = _slice(data, at, length + 2)
        at += length + 2
        if marker in JPEG_SIZES:
            _check_size(*struct.unpack_from(">HH", segment, 5)[::-1])
            sized = True
        if marker == 0xDA:
            scans += 1
            if not sized or scans > MOST_SCANS:
                raise IndexError
            if (end := JPEG_MARKER.search(data, at)) is None:
                raise IndexError
            yield segment + data[at : end.start()]
            at = end.start()
        else:
            yield _needed_of_jpeg(marker, segment)
    if not sized:
        raise IndexError
    yield b"\xff\xd9"


def _needed_of_jpeg(marker: int, segment: bytes) -> bytes:
    if marker in JPEG_NEEDED:
        return segment
    if marker == 0xE0 and segment[4:9] == b"JFIF\0":
        return b"\xff\xe0\x00\x10" + segment[4:16].ljust(12, b"\0") + b"\0\0"  # without its thumbnail
    if marker == 0xEE and segment[4:9] == b"Adobe":
        return segment[:16] if len(segment) == 16 else b""  # how the colours are to be read
    if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
        return _orientation_only(segment[10:])
    return b""


def _orientation_only(tiff: bytes) -> bytes:
    """Return an EXIF segment that says how to turn the picture and nothing else; empty when it need not be turned."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return b""
    try:
        directory = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for entry in range(min(struct.unpack_from(f"{order}H", tiff, directory)[0], 100)):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + entry * 12)
            if (tag, kind, count) == (0x0112, 3, 1) and 2 <= value <= 8:
                body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, tag, kind, count, value, 0, 0)
                return struct.pack(">HH", 0xFFE1, len(body) + 2) + body
    except struct.error:
        return b""
    return b""


def _strip_webp(data: bytes) -> Iterator[bytes]:
    total = struct.unpack_from("<I", data, 4)[0]
    _slice(data, 8, total)
    at, kept, pixels = 12, [], False
    while at < total + 8:
        kind, length = struct.unpack_from("<4sI", data, at)
        chunk = _slice(data, at, 8 + length)
        at += 8 + length + (length & 1)
        if kind in (b"ANIM", b"ANMF"):
            raise Problem(ANIMATED, code="animated_picture")
        if kind not in WEBP_NEEDED:
            continue
        pixels = pixels or kind in (b"VP8 ", b"VP8L")
        _check_size(*_webp_size(kind, chunk[8:]))
        if kind == b"VP8X":
            if chunk[8] & WEBP_ANIMATED:
                raise Problem(ANIMATED, code="animated_picture")
            chunk = chunk[:8] + bytes([chunk[8] & ~WEBP_METADATA]) + chunk[9:]
        kept.append(chunk + b"\0" * (length & 1))
    if not pixels:
        raise IndexError
    body = b"".join(kept)
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        return int.from_bytes(_slice(body, 4, 3), "little") + 1, int.from_bytes(_slice(body, 7, 3), "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(_slice(body, 1, 4), "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return 1, 1  # alpha takes the size of the picture it belongs to


def _strip_gif(data: bytes) -> Iterator[bytes]:
    _check_size(*struct.unpack_from("<HH", data, 6))
    at = 13 + _colours(data[10])
    yield _slice(data, 0, at)
    frames = 0
    while data[at] != 0x3B:
        begins = at
        if data[at] == 0x21:
            label, at = data[at + 1], _after_blocks(data, at + 2)
            if label == 0xF9:  # how the frame is drawn; comments, XMP and captions are other labels
                yield data[begins:at]
        elif data[at] == 0x2C:
            frames += 1
            if frames > 1:
                raise Problem(ANIMATED, code="animated_picture")
            _check_size(*struct.unpack_from("<HH", data, at + 5))
            at = _after_blocks(data, at + 10 + _colours(data[at + 9]) + 1)
            yield data[begins:at]
        else:
            raise IndexError
    if not frames:
        raise IndexError
    yield b"\x3b"


def _colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while length := data[at]:
        at += length + 1
    return at + 1
