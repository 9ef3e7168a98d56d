"""Rate limits by keyed hashes, in memory or in Valkey/Redis; a store that is down falls back to this process's memory."""

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from threading import Timer
from typing import Any, cast

from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

from chat.kernel.crypto import keyed_hash
from chat.kernel.errors import TooMany

log = logging.getLogger("chat.limits")

# There are as many rates as settings and keys name; reading one with its expressions cost more than counting does.
_parsed = lru_cache(maxsize=1024)(parse)


@dataclass(frozen=True, slots=True)
class _Limiters:
    """One way of counting, in the shared store, and in this process's memory while that cannot be reached."""

    usual: RateLimiter
    fallback: RateLimiter


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a limit is left, and in how many seconds more of it is."""

    limit: int
    remaining: int
    reset: int


class _Seldom:
    """A timer that is alive for a second at least, also when it has rung."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._until = time.monotonic() + 1

    def start(self) -> None:
        self._timer.start()

    def is_alive(self) -> bool:
        return self._timer.is_alive() or time.monotonic() < self._until


class _Memory(MemoryStorage):
    """Drops what is over once a second: `limits` starts a thread for it 10 ms after nearly every hit. No count needs it."""

    @property
    def timer(self) -> Any:
        return self._seldom

    @timer.setter
    def timer(self, timer: Timer) -> None:
        self._seldom = _Seldom(timer)


class Limits:
    """Counts hits in moving windows. Keys are hashed before they are stored: a limit must not become a visitor log."""

    def __init__(self, secret: bytes, redis_url: str | None = None) -> None:
        self._secret = secret
        memory = _Memory()
        shared: Storage = memory
        if redis_url:
            shared = cast(
                Storage, storage_from_string(redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
            )
        self._moving = _Limiters(MovingWindowRateLimiter(shared), MovingWindowRateLimiter(memory))
        self._counting = _Limiters(SlidingWindowCounterRateLimiter(shared), SlidingWindowCounterRateLimiter(memory))

    def hit(self, rate: str, kind: str, who: str) -> None:
        """Count one `kind` of act by `who` against a rate like "30/hour". Raises TooMany when it is used up."""
        self._take(self._moving, rate, kind, self._hashed(kind, who), 1)

    def count(self, rate: str, kind: str, who: str, cost: int = 1) -> Standing:
        """The same for what comes thousands of times: two counters a window in place of each hit's moment.

        Returns how the limit stands then.
        """
        key = self._hashed(kind, who)
        self._take(self._counting, rate, kind, key, cost)
        return self._standing(rate, kind, key)

    def add(self, rate: str, kind: str, who: str, cost: int) -> None:
        """Count what is known only afterwards, and cannot be refused any more: it uses up at most what is left."""
        key = self._hashed(kind, who)
        left = min(cost, self._standing(rate, kind, key).remaining)
        if left > 0:
            with suppress(TooMany):  # another one was faster: there is less left, and what there is will do
                self._take(self._counting, rate, kind, key, left)

    def _hashed(self, kind: str, who: str) -> str:
        return keyed_hash(self._secret, f"{kind}:{who}")

    def _standing(self, rate: str, kind: str, key: str) -> Standing:
        item = _parsed(rate)
        try:
            stats = self._counting.usual.get_window_stats(item, kind, key)
        except StorageError:
            stats = self._counting.fallback.get_window_stats(item, kind, key)
        return Standing(item.amount, stats.remaining, max(0, math.ceil(stats.reset_time - time.time())))

    def _take(self, limiters: "_Limiters", rate: str, kind: str, key: str, cost: int) -> None:
        item = _parsed(rate)
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
