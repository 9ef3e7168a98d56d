"""Counting with two counters a window, for limits that are hit thousands of times: one question to the store for each hit.

`limits` has a script for Valkey that counts, and one that tells how the limit stands. Here both are sent as one, since every
answer of the API says how it stands; what is in the store is what they would have left there.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage

_TOGETHER = b"\n".join(
    (
        b"local function count()",
        RedisStorage.SCRIPT_ACQUIRE_SLIDING_WINDOW,
        b"end local function look(ARGV)",
        RedisStorage.SCRIPT_SLIDING_WINDOW,
        b"end local counted = count() return {counted, look({ARGV[2]})}",
    )
)
_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a limit is left, and in how many seconds more of it is."""

    limit: int
    remaining: int
    reset: int


@dataclass(frozen=True, slots=True)
class Window:
    """The counters of the window before and of this one, and in how many seconds each of them is forgotten."""

    before: int
    before_ends: float
    current: int
    current_ends: float

    def standing(self, item: RateLimitItem) -> Standing:
        """Return how the limit stands: what was counted before weighs as much as is left of its window.

        Source: https://limits.readthedocs.io/en/stable/strategies.html#sliding-window-counter
        """
        seconds = item.get_expiry()
        used = math.floor(self.before * self.before_ends / seconds + self.current)
        resets = [0.0] if not (self.before or self.current) else []
        if self.before:
            resets.append(self.before_ends % (seconds / self.before))
        if self.current:
            resets.append(self.current_ends % seconds or seconds)  # one that began just now lasts all of its time
        return Standing(item.amount, max(0, item.amount - used), max(0, math.ceil(min(resets))))


class Counters(Protocol):
    """Where is counted."""

    def count(self, item: RateLimitItem, name: str, cost: int) -> tuple[bool, Window]:
        """Count `cost` hits, if there is room for them, and return whether there was, and what is counted then."""

    def look(self, item: RateLimitItem, name: str) -> Window:
        """Return what is counted."""


class InMemory:
    """In this process."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    def count(self, item: RateLimitItem, name: str, cost: int) -> tuple[bool, Window]:
        allowed = self._storage.acquire_sliding_window_entry(name, item.amount, item.get_expiry(), cost)
        return allowed, self.look(item, name)

    def look(self, item: RateLimitItem, name: str) -> Window:
        return Window(*self._storage.get_sliding_window(name, item.get_expiry()))


class InValkey:
    """In Valkey or Redis. Both raise StorageError when it cannot be asked."""

    def __init__(self, storage: RedisStorage) -> None:
        self._storage = storage
        self._together: Any = storage.get_connection().register_script(_TOGETHER)

    def count(self, item: RateLimitItem, name: str, cost: int) -> tuple[bool, Window]:
        storage = self._storage
        keys = [storage.prefixed_key(f"{{{name}}}/-1"), storage.prefixed_key(f"{{{name}}}")]
        try:
            allowed, found = self._together(keys, [item.amount, item.get_expiry(), cost])
        except storage.base_exceptions as failure:
            raise StorageError(failure) from failure
        before, before_ends, current, current_ends = (max(0, int(one or 0)) for one in found)
        return bool(allowed), Window(before, before_ends / _MILLISECONDS, current, current_ends / _MILLISECONDS)

    def look(self, item: RateLimitItem, name: str) -> Window:
        return Window(*self._storage.get_sliding_window(name, item.get_expiry()))
