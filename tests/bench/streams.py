"""Many streams at once through one gunicorn worker on one core; provider and load share another.

    python -m tests.bench.streams [--streams 500] [--single 200]

The fake provider says 50 tokens a second to each stream. First the time that Candor adds to the first token, one request at a
time over a kept connection, against asking the provider directly; then all streams at once.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.bench.machine import LOAD_CORE, SERVER_CORE, Figure, pin, show
from tests.chatting import providers
from tests.profiles import write_profile
from tests.servers import Server, free_port, running
from tests.sweep.visitor import Visitor

GENEROUS = {"limits.guest_messages": "1000000/hour", "limits.model_messages": "1000000/hour"}


@dataclass
class Outcome:
    """What one stream saw."""

    first: float | None = None
    deltas: int = 0
    is_complete: bool = False
    failure: str = ""


@dataclass
class Request:
    """Bytes to send, and what to look for in what comes back."""

    port: int
    body: bytes
    delta: bytes
    end: bytes
    started: float = field(default=0.0)


async def ask(request: Request, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None) -> Outcome:
    """Send one request and read its stream to the end."""
    outcome, rest = Outcome(), b""
    reader, writer = connection or await asyncio.open_connection("127.0.0.1", request.port, limit=2**20)
    began = time.perf_counter()
    writer.write(request.body)
    keep = max(len(request.delta), len(request.end)) - 1
    while chunk := await reader.read(65536):
        text = rest + chunk
        found = text.count(request.delta)
        if found and outcome.first is None:
            outcome.first = time.perf_counter() - began
        outcome.deltas += found
        # What may be the beginning of a mark that the next chunk completes.
        rest = text[-keep:] if request.delta not in text[-keep:] else b""
        if request.end in text:
            outcome.is_complete = True
            break
    if not outcome.is_complete:
        outcome.failure = (rest or b"closed").decode("utf-8", "replace")
    if connection is None:
        writer.close()
    else:
        await _rest_of_answer(reader)
    return outcome


async def _rest_of_answer(reader: asyncio.StreamReader) -> None:
    """Read to the last chunk, so that the connection can be used again."""
    text = b""
    while not text.endswith(b"0\r\n\r\n"):
        try:
            text += await asyncio.wait_for(reader.read(65536), 0.05)
        except TimeoutError:
            return


async def one_at_a_time(request: Request, times: int) -> list[float]:
    connection = await asyncio.open_connection("127.0.0.1", request.port, limit=2**20)
    firsts = []
    for _ in range(times):
        outcome = await ask(request, connection)
        assert outcome.first is not None, outcome.failure
        firsts.append(outcome.first * 1000)
    connection[1].close()
    return firsts


async def all_at_once(request: Request, streams: int) -> tuple[list[Outcome], float]:
    began = time.perf_counter()
    outcomes = await asyncio.gather(*(ask(request) for _ in range(streams)))
    return outcomes, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--single", type=int, default=200)
    parser.add_argument("--bursts", type=int, default=5)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _provider() as provider_port:
        # One provider, as a site with one key has: its SDK is what the worker loads at its start.
        fake = [one for one in providers(f"http://127.0.0.1:{provider_port}") if one["id"] == "fake"]
        profile = write_profile(Path(folder) / "profile.toml", GENEROUS | {"providers": fake})
        pin(SERVER_CORE)
        with running("gunicorn", {"CHAT_PROFILE": str(profile), "CHAT_LOG_LEVEL": "WARNING"}) as server:
            pin(LOAD_CORE)
            show(f"{wanted.streams} streams, one gevent worker on one core", _measure(server, provider_port, wanted))


def _measure(server: Server, provider_port: int, wanted: argparse.Namespace) -> list[Figure]:
    idle = _memory(server)
    warm = _to_candor(server, "ok")
    asyncio.run(one_at_a_time(warm, 20))
    direct = asyncio.run(one_at_a_time(_to_provider(provider_port, "ok"), wanted.single))
    through = asyncio.run(one_at_a_time(warm, wanted.single))
    bursts = [asyncio.run(all_at_once(_to_candor(server, "slow"), wanted.streams)) for _ in range(wanted.bursts)]
    rates = [sum(one.deltas for one in burst) / seconds for burst, seconds in bursts]
    outcomes = [one for burst, _seconds in bursts for one in burst]
    firsts = [one.first for one in outcomes if one.first is not None]
    for failure in sorted({one.failure for one in outcomes if one.failure})[:3]:
        print(f"a stream failed: {failure[:200]}", file=sys.stderr)
    return [
        Figure(
            "first token added, one at a time, median", statistics.median(through) - statistics.median(direct), "ms", most=5
        ),
        Figure("first token directly from the provider, median", statistics.median(direct), "ms"),
        Figure("streams that failed", sum(not one.is_complete for one in outcomes), "", most=0),
        Figure("deltas a second, first burst", rates[0], "/s", least=10_000),
        Figure(f"deltas a second, median of {len(rates)} bursts", statistics.median(rates), "/s", least=10_000),
        Figure("first token, all at once, median", statistics.median(firsts or [float("nan")]), "s"),
        Figure("memory, idle (master and worker, proportional)", idle, "MB"),
        Figure("memory after all streams, worker", max(_each(server)), "MB", most=150),
        Figure("memory after all streams, with gunicorn's master", _memory(server), "MB", most=150),
    ]


def _to_candor(server: Server, model: str) -> Request:
    visitor = Visitor(server.url)
    visitor.open()
    body = urllib.parse.urlencode(visitor.fields | {"text": "Say something.", "model": model}).encode()
    cookie = visitor.cookies.replace(b"\n", b"; ")
    visitor.close()
    head = (
        f"POST /chat/send/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\nCookie: "
    ).encode()
    return Request(server.port, head + cookie + b"\r\n\r\n" + body, b"event: text\n", b"event: done\n")


def _to_provider(port: int, model: str) -> Request:
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Say something."}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return Request(port, head + body, b'"delta": {"content": "H', b"data: [DONE]\n")


def _memory(server: Server) -> float:
    """Memory of the whole family in MB; pages that processes share are counted once (PSS)."""
    return sum(_each(server))


def _each(server: Server) -> list[float]:
    return [psutil.Process(one).memory_full_info().pss / 2**20 for one in server.process_ids()]


@contextmanager
def _provider() -> Iterator[int]:
    port = free_port()
    pin(LOAD_CORE)
    process = subprocess.Popen([sys.executable, "-m", "tests.fakes", "--port", str(port)], env=os.environ)
    try:
        asyncio.run(_until_open(port))
        yield port
    finally:
        process.terminate()
        process.wait()


async def _until_open(port: int) -> None:
    for _ in range(200):
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError("the fake provider did not start")


if __name__ == "__main__":
    main()
