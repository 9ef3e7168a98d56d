"""Rate limits by keyed hashes, in memory or in Valkey/Redis; a store that is down falls back to this process's memory."""

import logging
import math
import time
from dataclasses import dataclass
from typing import cast

from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

from chat.kernel.crypto import keyed_hash
from chat.kernel.errors import TooMany

log = logging.getLogger("chat.limits")


@dataclass(frozen=True, slots=True)
class _Limiters:
    """One way of counting, in the shared store, and in this process's memory while that cannot be reached."""

    usual: RateLimiter
    fallback: RateLimiter


class Limits:
    """Counts hits in moving windows. Keys are hashed before they are stored: a limit must not become a visitor log."""

    def __init__(self, secret: bytes, redis_url: str | None = None) -> None:
        self._secret = secret
        memory = MemoryStorage()
        shared: Storage = memory
        if redis_url:
            shared = cast(
                Storage, storage_from_string(redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
            )
        self._moving = _Limiters(MovingWindowRateLimiter(shared), MovingWindowRateLimiter(memory))
        self._counting = _Limiters(SlidingWindowCounterRateLimiter(shared), SlidingWindowCounterRateLimiter(memory))

    def hit(self, rate: str, kind: str, who: str) -> None:
        """Count one `kind` of act by `who` against a rate like "30/hour". Raises TooMany when it is used up."""
        self._take(self._moving, rate, kind, who, 1)

    def count(self, rate: str, kind: str, who: str, cost: int = 1) -> None:
        """The same for what comes thousands of times: two counters a window in place of each hit's moment."""
        self._take(self._counting, rate, kind, who, cost)

    def _take(self, limiters: "_Limiters", rate: str, kind: str, who: str, cost: int) -> None:
        item = parse(rate)
        key = keyed_hash(self._secret, f"{kind}:{who}")
        try:
            limiter = limiters.usual
            allowed = limiter.hit(item, kind, key, cost=cost)
        except StorageError:
            log.warning("limit store unreachable, counting in memory")
            limiter = limiters.fallback
            allowed = limiter.hit(item, kind, key, cost=cost)
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
