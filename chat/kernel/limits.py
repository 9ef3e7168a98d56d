"""Rate limits by keyed hashes, in memory or in Valkey/Redis; a store that is down falls back to this process's memory."""

import logging
import math
import time

from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from chat.kernel.crypto import keyed_hash
from chat.kernel.errors import TooMany

log = logging.getLogger("chat.limits")


class Limits:
    """Counts hits in moving windows. Keys are hashed before they are stored: a limit must not become a visitor log."""

    def __init__(self, secret: bytes, redis_url: str | None = None) -> None:
        self._secret = secret
        self._fallback = MovingWindowRateLimiter(MemoryStorage())
        self._limiter = self._fallback
        if redis_url:
            self._limiter = MovingWindowRateLimiter(
                storage_from_string(redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
            )

    def hit(self, rate: str, kind: str, who: str) -> None:
        """Count one `kind` of act by `who` against a rate like "30/hour". Raises TooMany when it is used up."""
        item = parse(rate)
        key = keyed_hash(self._secret, f"{kind}:{who}")
        try:
            limiter = self._limiter
            allowed = limiter.hit(item, kind, key)
        except StorageError:
            log.warning("limit store unreachable, counting in memory")
            limiter = self._fallback
            allowed = limiter.hit(item, kind, key)
        if allowed:
            return
        seconds = max(1, math.ceil(limiter.get_window_stats(item, kind, key).reset_time - time.time()))
        raise TooMany(
            f"That was more than this site allows ({rate.replace('/', ' per ')}). Please try again in {_span(seconds)}.",
            retry_after=seconds,
        )


def _span(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
