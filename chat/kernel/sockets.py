"""What is done with a socket so often that what gevent's own way costs is felt."""

import _socket
import socket
from typing import Any


def peek(connection: socket.socket) -> bytes | None:
    """Return what has come on it and is not read: one byte of it, none if its other end was closed, None if nothing came."""
    # Asked of the C socket, which gevent keeps in `_sock` and never lets wait: peeking must neither wait nor switch.
    raw = getattr(connection, "_sock", None)
    if isinstance(raw, _socket.socket):
        return _peek(raw)
    # One of Python's waits as long as it was told to, so its descriptor is borrowed, and given back before that closes it.
    try:
        raw = _socket.socket(fileno=connection.fileno())
    except (OSError, ValueError):
        return b""
    try:
        return _peek(raw)
    finally:
        raw.detach()


def _peek(raw: _socket.socket) -> bytes | None:
    try:
        return raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def send_all(connection: Any, data: bytes) -> None:
    """Send all of `data`, which mostly goes at once. gevent's own `sendall` asks the system for a size before it sends."""
    sent = connection.send(data)
    if sent < len(data):
        connection.sendall(memoryview(data)[sent:])
