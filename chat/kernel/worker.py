"""gunicorn's gevent worker, which asks the system for less.

gunicorn writes the head of an answer by itself, and gevent asks for the size of a buffer each time that something is written,
and lets a thread look up an address that is a number already. Together that is a tenth of what an answer costs.
"""

import _socket
import socket
from typing import Any

from gevent.hub import get_hub
from gevent.resolver.thread import Resolver
from gunicorn.workers.ggevent import GeventWorker

from chat.kernel.sockets import send_all

_BEGINNING = b"HTTP/1."
_END = b"\r\n\r\n"


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn carries no types
    """What gunicorn.conf.py names."""

    def patch(self) -> None:
        super().patch()
        get_hub().resolver = NumbersFirst()

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        super().handle(listener, ClientSocket(client), address)


class NumbersFirst(Resolver):  # type: ignore[misc]  # gevent carries no types
    """Names are looked up in threads, as gevent does; numbers are read at once, as they need nobody's answer."""

    def getaddrinfo(
        self, host: Any, port: Any, family: int = 0, socktype: int = 0, proto: int = 0, flags: int = 0
    ) -> list[tuple[Any, ...]]:
        try:
            return list(_socket.getaddrinfo(host, port, family, socktype, proto, flags | socket.AI_NUMERICHOST))
        except OSError:
            found: list[tuple[Any, ...]] = super().getaddrinfo(host, port, family, socktype, proto, flags)
            return found


class ClientSocket:
    """The socket of a client: what gunicorn has of it, but that a head waits for what is sent next, or for the next request."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def sendall(self, data: bytes) -> None:
        """Send all of it, unless it is a head."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_BEGINNING) and data.endswith(_END):
            self._head = data
            return
        send_all(self._wrapped, data)

    def recv(self, *arguments: int) -> bytes:
        self._let_go()
        received: bytes = self._wrapped.recv(*arguments)
        return received

    def sendfile(self, *arguments: Any, **options: Any) -> int:
        self._let_go()
        sent: int = self._wrapped.sendfile(*arguments, **options)
        return sent

    def shutdown(self, how: int) -> None:
        self._let_go()
        self._wrapped.shutdown(how)

    def close(self) -> None:
        try:
            self._let_go()
        finally:
            self._wrapped.close()

    def _let_go(self) -> None:
        """Send a head that nothing followed: an answer without a body, or gunicorn's word that it reads on."""
        if self._head:
            head, self._head = self._head, b""
            send_all(self._wrapped, head)
