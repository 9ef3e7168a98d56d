"""A ZIP archive as a stream of bytes, while it is made: never on disk, and never whole in memory.

Written as APPNOTE 4.3.9 has it for outputs that cannot seek: sizes and check sums follow each file. The list of files stands
at the very end, so that an archive which broke off is none: no program opens it as a whole one.
"""

import time
import zipfile
from collections.abc import Iterator
from datetime import datetime

from chat.kernel.export import ExportedFile

_CHUNK = 64 * 1024
_LEVEL = 1  # the fastest; a better one takes three times as long and saves a seventh
# Pictures are compressed already.
_STORED = (".png", ".jpg", ".jpeg", ".webp", ".gif")


class _Outlet:
    """A file to write to, that hands on what was written and keeps nothing."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._waiting = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self._waiting += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back that could be flushed."""

    def take(self, least: int = 1) -> bytes:
        """Return what was written since, once it is at least this much."""
        if self._waiting < least:
            return b""
        data, self._pieces, self._waiting = b"".join(self._pieces), [], 0
        return data


def zipped(files: Iterator[ExportedFile], now: datetime) -> Iterator[bytes]:
    """Yield the archive of `files`. When one of them raises, so does this, and what was yielded is no archive."""
    outlet = _Outlet()
    archive = zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload]  # only writes
    for file in files:
        with archive.open(_entry(file.name, now), "w", force_zip64=file.name.startswith("data/")) as entry:
            for chunk in file.chunks:
                entry.write(chunk)
                if data := outlet.take(_CHUNK):
                    yield data
                    time.sleep(0)  # lets the other requests of this worker go on
        if data := outlet.take(_CHUNK):
            yield data
    # Not in a `finally`, nor by `with`: closing it is what makes an archive of it.
    archive.close()
    yield outlet.take()


def _entry(name: str, now: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, now.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
    entry._compresslevel = _LEVEL  # type: ignore[attr-defined]  # noqa: SLF001  # `open` takes the archive's level only for files without a date
    entry.external_attr = 0o644 << 16
    return entry
