"""A multimodal projector for SmolLM2-135M, computed and not trained: it tells red, green and blue apart, and nothing else.

No trained one can be had where these tests run. This one is read by llama.cpp as any other is (LLaVA's architecture): each
patch of a picture becomes its mean colour, and that the model's own embedding of the word for it. So what the model says of a
picture depends on its pixels, and on nothing else of it. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

COLOURS = ("red", "green", "blue")
WIDTH = 576  # of the model's embeddings
TOKENS = 4  # of a picture
_SIDE, _PATCH, _INNER = 28, 14, 32
_STEEP = 20.0
_ALIGNMENT = 32
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_UINT32, _FLOAT, _BOOL, _TEXT, _LIST = 4, 6, 7, 8, 9
_Q4_1, _Q8_0 = 3, 8

Tensor = tuple[tuple[int, ...], list[float]]


def write_projector(path: Path, weights: Path, *, width: int = WIDTH) -> Path:
    """Write the projector for the model in `weights`. Another `width` than the model's makes one that fits no such model."""
    fields = {
        "general.architecture": "clip",
        "clip.has_vision_encoder": True,
        "clip.projector_type": "mlp",
        "clip.use_gelu": True,
        "clip.vision.image_size": _SIDE,
        "clip.vision.patch_size": _PATCH,
        "clip.vision.embedding_length": _INNER,
        "clip.vision.feed_forward_length": _INNER,
        "clip.vision.projection_dim": width,
        "clip.vision.block_count": 1,
        "clip.vision.attention.head_count": 1,
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.image_mean": [0.0, 0.0, 0.0],
        "clip.vision.image_std": [1.0, 1.0, 1.0],
    }
    _write(path, fields, _tensors(_words(weights), width))
    return path


def _tensors(words: list[list[float]], width: int) -> dict[str, Tensor]:
    square = (_INNER, _INNER)
    tensors = {
        "v.patch_embd.weight": ((_PATCH, _PATCH, 3, _INNER), _mean_colour()),
        "v.position_embd.weight": ((_INNER, TOKENS), _zeros(_INNER * TOKENS)),
        "mm.0.weight": (square, _which_colour()),
        "mm.0.bias": ((_INNER,), [-_STEEP / 2] * 3 + [0.0] * (_INNER - 3)),
        "mm.2.weight": ((_INNER, width), _as_words(words, width)),
        "mm.2.bias": ((width,), _zeros(width)),
    }
    # LLaVA takes what stands before the last layer: this one has to be there, and is not asked.
    for name in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down"):
        tensors[f"v.blk.0.{name}.weight"] = (square, _zeros(_INNER * _INNER))
    for name in ("ln1", "ln2"):
        tensors[f"v.blk.0.{name}.weight"] = ((_INNER,), _zeros(_INNER))
    return tensors


def _mean_colour() -> list[float]:
    pixels = _PATCH * _PATCH
    kernel = _zeros(pixels * 3 * _INNER)
    for channel in range(3):
        begin = (channel * 3 + channel) * pixels
        kernel[begin : begin + pixels] = [1 / pixels] * pixels
    return kernel


def _which_colour() -> list[float]:
    """Well above zero for the colour alone, behind the bias and GELU; nothing for the others, and for mixtures."""
    rows = _zeros(_INNER * _INNER)
    for colour in range(3):
        for channel in range(3):
            rows[colour * _INNER + channel] = _STEEP if channel == colour else -_STEEP
    return rows


def _as_words(words: list[list[float]], width: int) -> list[float]:
    rows = _zeros(_INNER * width)
    for colour, word in enumerate(words):
        for index, value in enumerate(word[:width]):
            rows[index * _INNER + colour] = value / (_STEEP / 2)
    return rows


def _zeros(count: int) -> list[float]:
    return [0.0] * count


def _words(weights: Path) -> list[list[float]]:
    """Return the model's own embeddings of the colours' names."""
    with weights.open("rb") as file:
        file.seek(8)
        tensors, fields = struct.unpack("<QQ", file.read(16))
        known = {_text(file): _value(file, _number(file, _UINT32)) for _ in range(fields)}
        places = dict(_place(file) for _ in range(tensors))
        begin = -(-file.tell() // _ALIGNMENT) * _ALIGNMENT
        kind, offset = places["token_embd.weight"]
        tokens = known["tokenizer.ggml.tokens"]
        return [_row(file, kind, begin + offset, tokens.index(f"Ġ{colour}")) for colour in COLOURS]


def _place(file: IO[bytes]) -> tuple[str, tuple[int, int]]:
    name = _text(file)
    file.seek(8 * _number(file, _UINT32), 1)
    return name, struct.unpack("<IQ", file.read(12))


def _row(file: IO[bytes], kind: int, begin: int, index: int) -> list[float]:
    size = {_Q4_1: 20, _Q8_0: 34}[kind]
    file.seek(begin + index * WIDTH // 32 * size)
    row: list[float] = []
    for _ in range(WIDTH // 32):
        block = file.read(size)
        if kind == _Q8_0:
            scale, *quants = struct.unpack("<e32b", block)
            row.extend(scale * one for one in quants)
        else:
            scale, least, *pairs = struct.unpack("<ee16B", block)
            row.extend(scale * one + least for one in [pair & 15 for pair in pairs] + [pair >> 4 for pair in pairs])
    return row


def _text(file: IO[bytes]) -> str:
    return file.read(struct.unpack("<Q", file.read(8))[0]).decode()


def _number(file: IO[bytes], kind: int) -> Any:
    form = _NUMBERS[kind]
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _value(file: IO[bytes], kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind == _LIST:
        inner, length = struct.unpack("<IQ", file.read(12))
        return [_value(file, inner) for _ in range(length)]
    return _number(file, kind)


def _write(path: Path, fields: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)))
        for name, value in fields.items():
            file.write(_named(name) + b"".join(_told(value)))
        offset = 0
        for name, (shape, data) in tensors.items():
            file.write(_named(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset))
            offset += _padded(len(data) * 4)
        file.write(b"\0" * (_padded(file.tell()) - file.tell()))
        for _, data in tensors.values():
            file.write(array("f", data).tobytes().ljust(_padded(len(data) * 4), b"\0"))


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _named(name: str) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode()


def _told(value: Any) -> Iterator[bytes]:
    match value:
        case bool():
            yield struct.pack("<I?", _BOOL, value)
        case int():
            yield struct.pack("<II", _UINT32, value)
        case float():
            yield struct.pack("<If", _FLOAT, value)
        case str():
            yield struct.pack("<I", _TEXT) + _named(value)
        case list():
            yield struct.pack(f"<IIQ{len(value)}f", _LIST, _FLOAT, len(value), *value)
