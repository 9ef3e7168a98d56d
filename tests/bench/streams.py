"""Many streams at once through one gunicorn worker on one core; provider and load share another.

    python -m tests.bench.streams [--streams 500] [--single 200] [--litellm FOLDER]

The fake provider says 50 tokens a second to each stream. First the time that Candor adds to the first token, one request at a
time over a kept connection, against asking the provider directly; then all streams at once. The same load goes through bare
relays on the same core, and to the provider without anything between: machines differ, and a rate alone says little.
FOLDER is where a virtual environment with LiteLLM is, or is made.
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
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.bench import relays
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
    """Bytes to send, and what to look for in what comes back.

    Deltas are counted by the words that the provider said in them: several that wait may travel as one event.
    """

    port: int
    body: bytes
    first: bytes
    delta: bytes
    end: bytes


async def ask(request: Request, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None) -> Outcome:
    """Send one request and read its stream to the end."""
    outcome, came, looked = Outcome(), bytearray(), 0
    reader, writer = connection or await asyncio.open_connection("127.0.0.1", request.port, limit=2**20)
    began = time.perf_counter()
    writer.write(request.body)
    while chunk := await reader.read(65536):
        came += chunk
        if outcome.first is None and request.first in came:
            outcome.first = time.perf_counter() - began
        if came.find(request.end, looked) >= 0:
            outcome.is_complete = True
            break
        looked = max(0, len(came) - len(request.end))
    # The question stands before the first word, and what follows the end repeats the answer as a whole.
    outcome.deltas = came[max(came.find(request.first), 0) :].partition(request.end)[0].count(request.delta)
    if not outcome.is_complete:
        outcome.failure = came[-200:].decode("utf-8", "replace") or "closed"
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
    parser.add_argument("--litellm", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _provider() as provider_port:
        # One provider, as a site with one key has: its SDK is what the worker loads at its start.
        fake = [one for one in providers(f"http://127.0.0.1:{provider_port}") if one["id"] == "fake"]
        profile = write_profile(Path(folder) / "profile.toml", GENEROUS | {"providers": fake})
        pin(LOAD_CORE)
        limits = _references(provider_port, Path(folder), wanted)
        pin(SERVER_CORE)
        with running("gunicorn", {"CHAT_PROFILE": str(profile), "CHAT_LOG_LEVEL": "WARNING"}) as server:
            pin(LOAD_CORE)
            figures = _measure(server, provider_port, wanted)
        show(f"{wanted.streams} streams, one gevent worker on one core", [*figures, *limits])


def _references(provider_port: int, folder: Path, wanted: argparse.Namespace) -> list[Figure]:
    """Put the same load on what is simpler than Candor, and on what does the same work."""
    direct = [_burst(_to_relay(provider_port, "slow"), wanted.streams)[0] for _ in range(3)]
    figures = [Figure("without anything between: deltas a second, median of 3 bursts", statistics.median(direct), "/s")]
    others = {
        "nginx, bare relay": lambda: relays.nginx(provider_port, folder),
        "gevent, bare relay": lambda: relays.gevent(provider_port),
    }
    if wanted.litellm:
        others["LiteLLM's proxy"] = lambda: relays.litellm(provider_port, folder, wanted.litellm)
    for name, start in others.items():
        pin(SERVER_CORE)
        with start() as relay:
            pin(LOAD_CORE)
            if relay is None:
                continue
            alone = statistics.median(_burst(_to_relay(relay.port, "slow"), 1)[1] * 1000 for _ in range(3))
            rate, first, failed = _burst(_to_relay(relay.port, "slow"), wanted.streams)
            figures += [
                Figure(f"{name}: deltas a second, first burst", rate, "/s"),
                Figure(f"{name}: first token, all at once, median", first, f"s (one: {alone:,.1f} ms)"),
                Figure(f"{name}: memory", relay.memory(), f"MB{f', {failed} streams failed' if failed else ''}"),
            ]
    return figures


def _burst(request: Request, streams: int) -> tuple[float, float, int]:
    """Return deltas a second, the median time to the first one, and how many streams failed."""
    outcomes, seconds = asyncio.run(all_at_once(request, streams))
    firsts = [one.first for one in outcomes if one.first is not None]
    failed = sum(not one.is_complete for one in outcomes)
    return sum(one.deltas for one in outcomes) / seconds, statistics.median(firsts or [float("nan")]), failed


def _measure(server: Server, provider_port: int, wanted: argparse.Namespace) -> list[Figure]:
    idle = _memory(server)
    warm = _to_candor(server, "ok")
    asyncio.run(one_at_a_time(warm, 20))
    direct = asyncio.run(one_at_a_time(_to_relay(provider_port, "ok"), wanted.single))
    through = asyncio.run(one_at_a_time(warm, wanted.single))
    busy = _busy(server)
    bursts = [_burst(_to_candor(server, "slow"), wanted.streams) for _ in range(wanted.bursts)]
    ours, all_of_it = (after - before for before, after in zip(busy, _busy(server), strict=True))
    rates = [rate for rate, _first, _failed in bursts]
    return [
        Figure(
            "first token added, one at a time, median", statistics.median(through) - statistics.median(direct), "ms", most=5
        ),
        Figure("first token directly from the provider, median", statistics.median(direct), "ms"),
        Figure("streams that failed", sum(failed for _rate, _first, failed in bursts), "", most=0),
        Figure("deltas a second, first burst", rates[0], "/s", least=10_000),
        Figure(f"deltas a second, median of {len(rates)} bursts", statistics.median(rates), "/s", least=10_000),
        Figure("first token, all at once, median of bursts", statistics.median(first for _rate, first, _failed in bursts), "s"),
        Figure("worker's time for a stream of 50 deltas", ours / wanted.bursts / wanted.streams * 1000, "ms"),
        Figure("busy time of both cores during the bursts, everybody's", all_of_it, f"s, {ours:,.1f} of it the worker's"),
        Figure("memory, idle (master and worker, proportional)", idle, "MB"),
        Figure("memory after all streams, worker", max(_each(server)), "MB", most=150),
        Figure("memory after all streams, with gunicorn's master", _memory(server), "MB", most=150),
    ]


def _busy(server: Server) -> tuple[float, float]:
    """Return the processor time so far of the server, and of the whole machine."""
    server_time = sum(sum(psutil.Process(one).cpu_times()[:2]) for one in server.process_ids())
    machine = psutil.cpu_times()
    return server_time, machine.user + machine.nice + machine.system + machine.softirq


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
    return Request(server.port, head + cookie + b"\r\n\r\n" + body, b"event: text\n", b"word", b"event: done\n")


def _to_relay(port: int, model: str) -> Request:
    """Ask what speaks the provider's own protocol."""
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Say something."}]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    return Request(port, head + body, b"word0" if model == "slow" else b"Hello", b"word", b"data: [DONE]")


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
