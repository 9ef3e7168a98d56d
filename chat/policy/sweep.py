"""Reading every byte that a running system wrote, in search of one word in many disguises.

A canary is a random word of letters and digits, so that quoting, escaping and URL-encoding leave it as it is. What changes it
is searched for as such: other encodings, base64 at each alignment, compression, PostgreSQL's own compression of long values.
"""

import base64
import binascii
import os
import re
import secrets
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

# Weights are read, never written; scanning a gigabyte of them for each test would show nothing.
_NOT_OURS = (".gguf",)
_LARGEST_UNPACKED = 64 * 2**20
# How gzip and zlib begin at each of its levels, and what base64 makes of both. Looked for one by one: a pattern of them all
# takes ten times as long, and a sweep reads some hundred megabytes.
_COMPRESSED = (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_COMPRESSED_IN_BASE64 = (b"eJ", b"eN", b"eF", b"eA", b"H4sI")
_ZIPPED = re.compile(rb"PK\x03\x04.{22}(..)(..)", re.DOTALL)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{18,}")
_GLANCE = 1024


class Family(Protocol):
    """Something that runs as processes."""

    def process_ids(self) -> list[int]: ...


@dataclass(frozen=True)
class Hit:
    """Where the canary was found, and as what."""

    where: str
    disguise: str

    def __str__(self) -> str:
        return f"{self.where}: as {self.disguise}"


class Canary:
    """A word that occurs nowhere but in what one check sends; or a given one, to find where it went."""

    def __init__(self, word: str = "") -> None:
        # Long enough that no other bytes look like it, in any disguise.
        self.word = word.lower() or "kanarie" + secrets.token_hex(10)
        self.born = time.time() - 2  # file systems round

    def __str__(self) -> str:
        return self.word

    @cached_property
    def disguises(self) -> dict[str, bytes]:
        plain = self.word.encode()
        found = {
            "UTF-16": self.word.encode("utf-16-le"),
            "UTF-32": self.word.encode("utf-32-le"),
            "hexadecimal digits": binascii.hexlify(plain),
            "reversed text": plain[::-1],
        }
        for shift in range(3):
            # Characters that also carry bits of what stands before or behind the word say nothing about it.
            encoded = base64.b64encode(b"\0" * shift + plain)
            whole = encoded[-(-shift * 8 // 6) : (shift + len(plain)) * 8 // 6]
            found[f"base64, shifted by {shift}"] = whole
        return found

    @cached_property
    def broken_up(self) -> re.Pattern[bytes]:
        """The word with single bytes in between, as in text that PostgreSQL (pglz) or LZ4 compressed."""
        return re.compile(b".?".join(re.escape(bytes([one])) for one in self.word.encode()), re.DOTALL)

    def find_in(self, data: bytes, where: str, *, depth: int = 0) -> Iterator[Hit]:
        """Every disguise in which the word stands in `data`."""
        lowered = data.lower()
        if self.word.encode() in lowered:
            yield Hit(where, "plain text")
        for name, disguise in self.disguises.items():
            haystack = data if name.startswith("base64") else lowered
            if disguise in haystack:
                yield Hit(where, name)
        if self.word.encode() not in lowered and self.broken_up.search(lowered):
            yield Hit(where, "text broken up by compression")
        if depth < 2:
            for unpacked in _unpack(data):
                yield from self.find_in(unpacked, f"{where} (unpacked)", depth=depth + 1)


def sweep(canary: Canary, *places: Path) -> list[Hit]:
    """Read every file in these folders, names included, and return where the canary is."""
    hits: list[Hit] = []
    for place in places:
        for path in sorted(place.rglob("*")):
            if str(canary) in path.name.lower():
                hits.append(Hit(str(path), "a name"))
            if _may_hold(path, canary):
                hits += canary.find_in(_read(path), str(path.relative_to(place)))
    return hits


def _may_hold(path: Path, canary: Canary) -> bool:
    """Whether the file was written since there was a canary; PostgreSQL's folder is large and mostly older."""
    try:
        return path.is_file() and path.suffix not in _NOT_OURS and path.stat().st_mtime >= canary.born
    except FileNotFoundError:
        return False


@contextmanager
def watching(family: Family, canary: Canary, *folders: Path) -> Iterator[list[Hit]]:
    """Look at short-lived files as well while the block runs: whatever appears in `folders`, and deleted files held open.

    `tempfile.TemporaryFile` makes a file without a name. It is found where it can be: among the open files of the processes.
    """
    hits: list[Hit] = []
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(family, canary, folders, hits, done), daemon=True)
    watcher.start()
    try:
        yield hits
    finally:
        done.set()
        watcher.join()


def _watch(family: Family, canary: Canary, folders: Iterable[Path], hits: list[Hit], done: threading.Event) -> None:
    seen: set[tuple[str, int]] = set()
    while not done.is_set():
        for path in [*_nameless(family.process_ids()), *(one for folder in folders for one in folder.rglob("*"))]:
            try:
                if not path.is_file():
                    continue
                # A file is read again when it has grown.
                stamp = (str(path), path.stat().st_size)
                if stamp in seen:
                    continue
                seen.add(stamp)
                hits += canary.find_in(_read(path), f"short-lived {path}", depth=2)
            except OSError:
                continue  # gone meanwhile
        time.sleep(0.005)


def _nameless(process_ids: Iterable[int]) -> Iterator[Path]:
    for process_id in process_ids:
        folder = Path(f"/proc/{process_id}/fd")
        try:
            names = os.listdir(folder)  # noqa: PTH208  # the names alone; each entry may vanish
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(folder / name)  # noqa: PTH115  # what it says, not where it leads: the file has no name
            except OSError:
                continue
            if target.endswith("(deleted)") and target.startswith("/") and not target.startswith(("/memfd", "/dev")):
                yield folder / name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _unpack(data: bytes) -> Iterator[bytes]:
    rest = memoryview(data)
    for place in _places(data, _COMPRESSED):
        unpacked = _inflate(rest[place:])
        if unpacked:
            yield unpacked
    for found in _ZIPPED.finditer(data):
        # A file inside a ZIP archive, whole or broken off: its head, its name and what is extra, then bare deflate.
        begins = found.end() + int.from_bytes(found[1], "little") + int.from_bytes(found[2], "little")
        yield from filter(None, [_inflate(rest[begins:], wbits=-15)])
    for place in _places(data, _COMPRESSED_IN_BASE64):
        # Most are not what they look like, and their first bytes show it.
        glance = _BASE64.match(data, place, place + _GLANCE)
        if glance is not None and _inflate(_decoded(glance[0])) and (text := _BASE64.match(data, place)):
            yield from filter(None, [_inflate(_decoded(text[0]))])


def _decoded(text: bytes) -> memoryview:
    """The bytes of base64, also of the kind for addresses; none where it is none."""
    text = text.replace(b"-", b"+").replace(b"_", b"/")
    # What stands behind may look like one more character of it; one alone carries no byte, and would spoil the rest.
    text = text[:-1] if len(text) % 4 == 1 else text
    try:
        return memoryview(base64.b64decode(text + b"=" * (-len(text) % 4)))
    except binascii.Error:
        return memoryview(b"")


def _places(data: bytes, beginnings: Iterable[bytes]) -> Iterator[int]:
    for beginning in beginnings:
        place = data.find(beginning)
        while place >= 0:
            yield place
            place = data.find(beginning, place + 1)


def _inflate(data: memoryview, *, wbits: int = 47) -> bytes:
    """As much as comes out before the stream ends or turns out to be none; of zlib or gzip, if nothing else is said."""
    engine = zlib.decompressobj(wbits)
    try:
        return engine.decompress(data[:_LARGEST_UNPACKED], _LARGEST_UNPACKED)
    except zlib.error:
        return b""
