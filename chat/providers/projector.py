"""A model's projector (llama.cpp's `mmproj`): the file that makes of a picture what the model reads.

Only the engine can tell whether it fits the model. What can be seen before is said to the operator when the site starts.
"""

import mmap
from collections.abc import Callable
from pathlib import Path

_MAGIC = b"GGUF"
# Among what is said before the numbers: a key, its type (7: true or false), and the value.
# Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
_HAS_EYES = b"clip.has_vision_encoder" + (7).to_bytes(4, "little") + b"\x01"
_HEAD_BYTES = 64 * 2**20

BLIND = (
    "The model on this machine cannot see pictures just now: its projector does not fit it. "
    "Leave the pictures out, choose another model, or tell the operator."
)


def why_blind(projector: Path) -> str:
    """Return why no model can see with this file, or nothing if one might."""
    try:
        with projector.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            is_one = data[:4] == _MAGIC and data.find(_HAS_EYES, 0, _HEAD_BYTES) >= 0
    except FileNotFoundError:
        return "there is no such file"
    except ValueError:  # empty
        is_one = False
    except OSError:
        return "it cannot be read as a file by the user that the site runs as"
    return "" if is_one else "it is no projector for pictures (a GGUF file of llama.cpp's kind `mmproj`)"


def tell_projector(projector: Path | None, say: Callable[[str], None]) -> None:
    """Say what is wrong with it, and what that means, if anything is."""
    if projector is not None and (why := why_blind(projector)):
        say(
            f"CHAT_EMBEDDED_PROJECTOR names {projector}, and {why}. The model runs without: it reads text, and pictures are "
            "refused. Name the mmproj file that was published with the model, or leave the variable out; then start again."
        )
