"""From an uploaded file to what it holds, in memory and within limits: a file of somebody's is hostile until it is read.

Sizes are counted while unpacking, never believed from the archive's own list; no name of it ever becomes a path.
"""

import lzma
import re
import zipfile
import zlib
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

import msgspec

from chat.conversations.importing import chatgpt, claude, own
from chat.conversations.importing.found import CannotImport, Reading
from chat.kernel.errors import TooLarge

# Unpacked, together. As values in memory it is about five times as much.
LARGEST = 64 * 2**20
MOST_FILES = 150_000  # of an archive; 20,000 conversations with their pages and pictures
_LISTS = re.compile(r"(^|/)conversations(-\d{1,4})?\.json$")
_MANIFEST = "manifest.json"
_DAMAGED = "This archive is damaged or broken off. Download it once more where it comes from."
_LOCKED = "This archive is encrypted or packed in a way that cannot be read. Pack it again as a plain ZIP."
_NOT_WHOLE = "This archive lacks its manifest.json, so it is not whole. Download it once more where it comes from."
_DEFECTS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, IndexError)


def read_upload(data: bytes, now: datetime) -> Reading:
    """Return the conversations in an uploaded file. Raises CannotImport or TooLarge, saying what is wrong with it."""
    if not data:
        raise CannotImport("This file is empty. Choose another one.")
    if data[:2] == b"PK":
        return _read_archive(data, now)
    return _read_list(_parsed(data), now)


def _read_archive(data: bytes, now: datetime) -> Reading:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacker = _Unpacker(archive)
            if unpacker.has("data/conversation.json"):
                return _read_own(unpacker, now)
            names = sorted(name for name in unpacker.names if _LISTS.search(name))
            if not names:
                raise CannotImport(
                    "There are no conversations in this archive that can be read. It should be a Candor export, or hold the "
                    "conversations.json of a ChatGPT or Claude export."
                )
            conversations: list[Any] = []
            for name in names:
                found = _parsed(unpacker.read(name))
                conversations += found if isinstance(found, list) else [found]
            return _read_list(conversations, now)
    except (RuntimeError, NotImplementedError):
        raise CannotImport(_LOCKED) from None
    except _DEFECTS:
        raise CannotImport(_DAMAGED) from None


def _read_own(unpacker: "_Unpacker", now: datetime) -> Reading:
    if not unpacker.has(_MANIFEST):
        raise CannotImport(_NOT_WHOLE)
    own.check_manifest(_parsed(unpacker.read(_MANIFEST)))
    conversations = _parsed(unpacker.read("data/conversation.json"))
    turns = _parsed(unpacker.read("data/turn.json")) if unpacker.has("data/turn.json") else {"rows": []}
    return own.read(conversations, turns, unpacker.find, now)


def _read_list(conversations: Any, now: datetime) -> Reading:
    if isinstance(conversations, dict) and isinstance(conversations.get("conversations"), list):
        conversations = conversations["conversations"]
    if isinstance(conversations, dict):
        conversations = [conversations]
    if isinstance(conversations, list):
        if any(chatgpt.is_conversation(one) for one in conversations[:100]):
            return chatgpt.read(conversations, now)
        if any(claude.is_conversation(one) for one in conversations[:100]):
            return claude.read(conversations, now)
    raise CannotImport(
        "This file holds no conversations that can be read. It should be a Candor export, or the conversations.json of a "
        "ChatGPT or Claude export, as it is or in its ZIP archive."
    )


def _parsed(data: bytes) -> Any:
    if len(data) > LARGEST:
        raise _too_large()
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise CannotImport("This file is not JSON that can be read: it is damaged, broken off, or something else.") from None


@dataclass(slots=True)
class _Unpacker:
    """An archive's files, together within the limit."""

    archive: zipfile.ZipFile
    names: set[str]
    room: int

    def __init__(self, archive: zipfile.ZipFile) -> None:
        if len(archive.infolist()) > MOST_FILES:
            raise TooLarge(f"This archive holds more than {MOST_FILES:,} files. Split it, and import the parts.")
        self.archive = archive
        self.names = set(archive.namelist())
        self.room = LARGEST

    def has(self, name: str) -> bool:
        return name in self.names

    def find(self, name: str) -> bytes | None:
        """Return the file of this name in the archive, if there is one."""
        return self.read(name) if name in self.names else None

    def read(self, name: str) -> bytes:
        """Return the file. Raises TooLarge as soon as more comes out of the archive than may."""
        with self.archive.open(name) as file:
            data = file.read(self.room + 1)
        if len(data) > self.room:
            raise _too_large()
        self.room -= len(data)
        return data


def _too_large() -> TooLarge:
    return TooLarge(
        f"The conversations in this file are over {LARGEST // 2**20} MB unpacked, which is more than can be imported at once. "
        "Split the file, and import the parts."
    )
