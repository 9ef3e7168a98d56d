"""Pictures small enough to write down."""

import base64
import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
# A single pixel, as encoders of these formats write it.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////"
    "wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z"
)
GIF = bytes.fromhex("47494638396101000100800000ff0000ffffff2c00000000010001000002024401003b")
WEBP = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")


def png() -> bytes:
    """One grey pixel."""
    return _png(1, 1, 0, b"\x00\x80")


def png_of(red: int, green: int, blue: int, side: int = 32, *, pixels: bytes | None = None, level: int = 9) -> bytes:
    """A square of one colour; `pixels`: what it holds instead, whatever its head says."""
    held = (b"\0" + bytes((red, green, blue)) * side) * side if pixels is None else pixels
    return _png(side, side, 2, held, level)


def _png(width: int, height: int, colours: int, pixels: bytes, level: int = 9) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    return PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels, level)) + _chunk(b"IEND", b"")


def png_that_no_decoder_reads() -> bytes:
    """Whole, as far as can be told without decoding it: its one line is filtered in a way that does not exist."""
    return _png(1, 1, 0, b"\x09\x80")


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
