"""Password hashing that does not stop the world: argon2 holds its thread for 20-100 ms.

Under gevent one thread serves everybody, so hashes run in gevent's thread pool there (measured: a request beside six hashes
took 223-396 ms without, 15 ms with it). Elsewhere argon2 frees the interpreter lock by itself.
"""

from typing import Any

from chat.kernel.beside import beside


class Pooled:
    """A passlib context whose slow calls leave gevent's loop alone."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def hash(self, *args: Any, **kwargs: Any) -> str:
        hashed: str = beside(self._context.hash, *args, **kwargs)
        return hashed

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        fits: bool = beside(self._context.verify, *args, **kwargs)
        return fits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)
