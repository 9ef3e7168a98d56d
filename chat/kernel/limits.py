"""Rate limits by keyed hashes, in memory or in Valkey/Redis; a store that is down falls back to this process's memory."""

import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache
from threading import Timer
from typing import Any

from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter, RateLimiter

from chat.kernel.counting import Counters, InMemory, InValkey, Standing
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
        self._counters: Counters = InMemory(memory)
        self._fallback = self._counters
        if redis_url:
            shared = RedisStorage(redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
            self._counters = InValkey(shared)
        self._moving = _Limiters(MovingWindowRateLimiter(shared), MovingWindowRateLimiter(memory))

    def hit(self, rate: str, kind: str, who: str) -> None:
        """Count one `kind` of act by `who` against a rate like "30/hour". Raises TooMany when it is used up."""
        item, key = _parsed(rate), self._hashed(kind, who)
        try:
            limiter = self._moving.usual
            allowed = limiter.hit(item, kind, key)
        except StorageError:
            _tell()
            limiter = self._moving.fallback
            allowed = limiter.hit(item, kind, key)
        if not allowed:
            raise _too_many(rate, limiter.get_window_stats(item, kind, key).reset_time - time.time())

    def count(self, rate: str, kind: str, who: str, cost: int = 1) -> Standing:
        """The same for what comes thousands of times: two counters a window in place of each hit's moment.

        Returns how the limit stands then.
        """
        standing, allowed = self._count(rate, kind, self._hashed(kind, who), cost)
        if not allowed:
            raise _too_many(rate, standing.reset)
        return standing

    def add(self, rate: str, kind: str, who: str, cost: int) -> None:
        """Count what is known only afterwards, and cannot be refused any more: it uses up at most what is left."""
        key = self._hashed(kind, who)
        left = min(cost, self._look(rate, kind, key).remaining)
        if left > 0:
            self._count(rate, kind, key, left)  # where another one was faster there is less left, and what there is will do

    def _hashed(self, kind: str, who: str) -> str:
        return keyed_hash(self._secret, f"{kind}:{who}")

    def _count(self, rate: str, kind: str, key: str, cost: int) -> tuple[Standing, bool]:
        item = _parsed(rate)
        name = item.key_for(kind, key)
        try:
            allowed, window = self._counters.count(item, name, cost)
        except StorageError:
            _tell()
            allowed, window = self._fallback.count(item, name, cost)
        return window.standing(item), allowed

    def _look(self, rate: str, kind: str, key: str) -> Standing:
        item = _parsed(rate)
        name = item.key_for(kind, key)
        try:
            return self._counters.look(item, name).standing(item)
        except StorageError:
            return self._fallback.look(item, name).standing(item)


def _tell() -> None:
    log.warning("limit store unreachable, counting in memory")


def _too_many(rate: str, seconds: float) -> TooMany:
    wait = max(1, math.ceil(seconds))
    return TooMany(
        f"That was more than this site allows ({rate.replace('/', ' per ')}). Please try again in {_span(wait)}.",
        retry_after=wait,
    )


def _span(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
