"""An HTTP answer as it arrives: each read returns all that is there, however many chunks of HTTP it came in.

http.client hands out one chunk a read, and a provider makes a chunk of each token. When tokens come faster than they are
passed on, those that wait are taken together: what follows a read (decoding, passing on, writing) is then done once for all
of them. Nothing waits for more to come. RFC 9112, section 7.1.

http.client gives the head to the e-mail parser, which takes longer than the rest of an answer does. Here it is read line by
line; RFC 9112, sections 4, 5 and 6.3.
"""

import re
import socket
from http.client import HTTPException, HTTPMessage, HTTPResponse, IncompleteRead, LineTooLong
from typing import Any

_LONGEST_LINE = 65536
_MOST_FIELDS = 100
_WITHOUT_BODY = (204, 304)
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\r?\n", re.DOTALL)
_LINE_END = b"\r\n"


class ArrivingResponse(HTTPResponse):
    """What http.client makes of an answer, but for its head, and for `read1` of one that comes in chunks."""

    version: int  # 10 or 11, the way http.client writes HTTP/1.0 and HTTP/1.1
    length: int | None

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._socket = sock
        self._is_straight = False  # whether the buffer that the headers were read through is empty and gone
        self._missing = 0  # bytes to come of the current chunk and the line end behind it
        self._line = b""  # the beginning of a line between chunks
        self._is_last = False  # the last chunk has come; what follows are trailers

    def begin(self) -> None:
        """Read the head. Raises HTTPException where it is none."""
        if self.headers is not None:
            return
        status = 100
        while 100 <= status < 200:  # a provider that says first that it goes on
            version, status, reason = self._read_status()
            fields = self._read_fields()
        self.code, self.status, self.reason = status, status, reason.strip()
        self.version = 11 if version.startswith("HTTP/1.") and version != "HTTP/1.0" else 10
        self.headers = self.msg = fields
        self.chunked = fields.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        length = fields.get("content-length", "")
        self.length = int(length) if length.isdecimal() and not self.chunked else None
        if status in _WITHOUT_BODY:
            self.length = 0
        ends_with_it = not self.chunked and self.length is None
        self.will_close = ends_with_it or bool(self._check_close())

    def _read_fields(self) -> HTTPMessage:
        fields = HTTPMessage()
        for _ in range(_MOST_FIELDS + 1):
            line = self.fp.readline(_LONGEST_LINE + 1)
            if line in (b"\r\n", b"\n"):
                return fields
            if len(line) > _LONGEST_LINE:
                raise LineTooLong("header line")
            field = _FIELD.fullmatch(line)
            if field is None:
                raise HTTPException("not a header")
            fields.set_raw(field[1].decode("ascii"), field[2].decode("latin-1"))
        raise HTTPException("too many headers")

    def read1(self, n: int = -1) -> bytes:
        """Return what has arrived of the body, up to `n` bytes as they came over the line; wait where nothing has.

        It is closed once nothing more can come. Raises IncompleteRead where more was promised.
        """
        if self.fp is None:
            return b""
        if not self.chunked:
            return self._unchunked(n)
        data = b""
        while not data and self.fp is not None:
            arrived = self._receive(n)
            if not arrived:
                raise IncompleteRead(b"")
            data = self._unframed(arrived)
        return data

    def _unchunked(self, most: int) -> bytes:
        data = super().read1(most)
        if self.length == 0:
            self._close_conn()  # type: ignore[attr-defined]  # what http.client does where an answer is complete
        elif self.length and not data:
            raise IncompleteRead(b"", self.length)
        return data

    def _receive(self, most: int) -> bytes:
        if self._is_straight:
            # Asked of the socket itself, which needs the room for what comes only once it is there.
            return self._socket.recv(most)
        arrived = self.fp.read1(most)
        self.fp = self.fp.detach()  # type: ignore[assignment]  # the file without a buffer, which is closed at the end
        self._is_straight = True
        return arrived

    def _unframed(self, wire: bytes) -> bytes:
        """Return what of `wire` is the body, and remember how far the framing has come."""
        found = []
        at, end = 0, len(wire)
        while at < end and self.fp is not None:
            if self._missing > len(_LINE_END):
                piece = wire[at : at + self._missing - len(_LINE_END)]
                found.append(piece)
                self._missing -= len(piece)
                at += len(piece)
            elif self._missing:
                skipped = min(self._missing, end - at)
                self._missing -= skipped
                at += skipped
            else:
                at = self._begin_chunk(wire, at)
        return found[0] if len(found) == 1 else b"".join(found)

    def _begin_chunk(self, wire: bytes, at: int) -> int:
        """Read a line between chunks, and return where it ends."""
        line_end = wire.find(b"\n", at) + 1
        line = self._line + wire[at : line_end or len(wire)]
        if len(line) > _LONGEST_LINE:
            raise LineTooLong("chunk size")
        if not line_end:
            self._line = line
            return len(wire)
        self._line = b""
        if self._is_last:
            if line in (b"\r\n", b"\n"):
                self._close_conn()  # type: ignore[attr-defined]  # what http.client does where an answer is complete
            return line_end
        size = _size(line)
        if size:
            self._missing = size + len(_LINE_END)
        else:
            self._is_last = True
        return line_end


def _size(line: bytes) -> int:
    """Return the size that a chunk's first line tells. Raises IncompleteRead where it tells none: nothing after it is sure."""
    try:
        size = int(line.partition(b";")[0], 16)
    except ValueError:
        size = -1
    if size < 0:
        raise IncompleteRead(b"")
    return size
