"""A folder that exports are handed out in. The manifest says which files count, and is replaced last: a crash changes nothing.

Files are for their owner alone (mode 600) and are written aside, synchronised, and then renamed.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from chat.kernel.errors import Problem
from chat.kernel.signing import Document, SigningKeys

MANIFEST = "manifest.json"
REVOCATIONS = "revocations.jsonl"
TYPE = "candor.improvement-export"
_DATA = "conversations-{}.jsonl"
_PARTIAL = ".partial-"


class Writer:
    """A file written aside, line by line, with its hash and size as they grow."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{_PARTIAL}{secrets.token_hex(6)}"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: BinaryIO = os.fdopen(handle, "wb")
        self._hash = hashlib.sha256()
        self.size = 0
        self.lines = 0

    def write(self, line: str) -> None:
        data = line.encode("utf-8", "replace")
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        self.lines += 1

    def close(self) -> dict[str, Any]:
        """Bring it to the disk and return what the manifest says of it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return {"sha256": self._hash.hexdigest(), "bytes": self.size, "lines": self.lines}

    def publish(self, path: Path) -> None:
        self._path.replace(path)

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def opened(folder: Path) -> Iterator[Path]:
    """Hold the folder, made if it is not there, against a second run. Raises Problem when one is under way."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("Another run is writing into this folder right now. Wait for it, or choose another folder.") from None
        for left in folder.glob(f"{_PARTIAL}*"):
            left.unlink()  # of a run that was killed
        yield folder
    finally:
        os.close(lock)


def data_name(export: str) -> str:
    return _DATA.format(export)


def read_manifest(folder: Path) -> Document | None:
    """Return the folder's manifest, if it has one."""
    try:
        found: Document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def write_manifest(folder: Path, manifest: Document, keys: SigningKeys) -> None:
    """Sign the manifest and put it in place."""
    manifest.pop("proof", None)
    writer = Writer(folder)
    writer.write(json.dumps(keys.sign({**manifest, "type": TYPE}), indent=1, sort_keys=True) + "\n")
    writer.close()
    writer.publish(folder / MANIFEST)


def write_revocations(folder: Path, lines: Iterable[str]) -> dict[str, Any]:
    """Put the list of withdrawn copies in place and return what the manifest says of it."""
    writer = Writer(folder)
    for line in lines:
        writer.write(line)
    described = writer.close()
    writer.publish(folder / REVOCATIONS)
    return described


def remove_older(folder: Path, keep: str) -> None:
    """Delete the data of exports that the manifest no longer names."""
    for path in folder.glob(_DATA.format("*")):
        if path.name != keep:
            path.unlink()
