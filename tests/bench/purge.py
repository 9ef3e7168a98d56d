"""Purging expired messages while somebody else writes: `python -m tests.bench.purge [sqlite|postgresql] [MESSAGES]`.

The other one is a process of its own that adds a usage row and commits, again and again, as answering chats do. It measures how
long each of its writes took.
"""

import io
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import sqlalchemy as sa

from chat.factory import create_app
from chat.kernel.db import db, engine_options
from chat.kernel.site import current_site
from chat.metering.models import Usage
from chat.retention.jobs import purge_for
from tests.bench.machine import Figure, show
from tests.conftest import settings_for_tests
from tests.databases import Postgres, sqlite_template
from tests.people import People

MESSAGES = 1_000_000
_OF_CONVERSATION = 20
_BODY = 1_000
_BATCH = 20_000
_BETWEEN_WRITES = 0.002

# 80 KB and their sync 80 times a second: the journal of a purge on PostgreSQL grows by 6 MB/s.
_FILE_SECONDS, _FILE_PIECE, _FILE_PAUSE, _FILE_MOST = 150, 80_000, 0.01, 400_000_000

_SLOW = 0.05
_WRITER = "the other one"
_WAITS = b"""
SELECT coalesce(wait_event_type || ' ' || wait_event, 'nothing (it works, or has no processor)'), split_part(query, ' ', 1)
FROM pg_stat_activity
WHERE application_name = %s AND state = 'active' AND clock_timestamp() - query_start > make_interval(secs => %s)
"""

_CONVERSATION = ("id", "public_id", "account_id", "created_at", "updated_at", "expires_at", "pinned", "model", "title")
_TURN = ("id", "public_id", "conversation_id", "account_id", "role", "state", "problem", "model", "written_at", "body")


def main(kind: str, messages: int) -> None:
    # Not under /tmp's memory, if it is one: what is measured is a disk's work too.
    with tempfile.TemporaryDirectory(dir=os.environ.get("CHAT_BENCH_FOLDER")) as name, _database(kind, Path(name)) as url:
        folder = Path(name)
        app = create_app(settings_for_tests(folder, database_url=url, chat_log_level="WARNING"))
        with app.app_context():
            alice = People(current_site().keyring).alice.id
            db.session.remove()
            began = time.perf_counter()
            _seed(url, alice, messages)
            print(f"{messages:,} messages seeded in {time.perf_counter() - began:.0f} s", file=sys.stderr)
            _let_go(url)  # what seeding left to the disk is not the purge's work
            alone = _writer(url, lambda: time.sleep(10))
            disk = _writer(url, lambda: _write_a_file(Path(name) / "plain"))
            purged: list[float] = []
            with _waits(url) as waits:
                beside = _writer(url, lambda: purged.append(_purge(messages)))
            db.session.remove()
            db.engine.dispose()
    show(
        f"{messages:,} expired messages of {_BODY:,} bytes in {messages // _OF_CONVERSATION:,} conversations, {kind}",
        [
            Figure("purge", purged[0], "s", most=600 * messages / MESSAGES),
            Figure("messages a second", messages / purged[0], ""),
            Figure("another's write, longest", max(beside), "ms", most=100),
            Figure("another's write, 99 of 100", _percentile(beside, 99), "ms"),
            Figure("another's write, median", statistics.median(beside), "ms"),
            Figure("writes meanwhile", len(beside), ""),
            Figure("the same with no purge, longest", max(alone), "ms"),
            Figure("the same with no purge, median", statistics.median(alone), "ms"),
            Figure("the same while a plain file is written, longest", max(disk), "ms"),
        ],
    )
    for reason, times in waits.most_common():
        print(f"A write of over {_SLOW * 1000:.0f} ms was seen waiting for {reason}: {times} times")


def _let_go(url: str) -> None:
    if not url.startswith("sqlite"):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(b"CHECKPOINT")
    os.sync()


def _write_a_file(path: Path) -> None:
    """Write as much as a purge does on PostgreSQL, as often, past any database: what the disk itself makes others wait for."""
    ends, piece = time.monotonic() + _FILE_SECONDS, os.urandom(_FILE_PIECE)
    with path.open("wb", buffering=0) as file:
        while time.monotonic() < ends:
            if file.tell() > _FILE_MOST:
                file.seek(0)
            file.write(piece)
            os.fdatasync(file.fileno())
            time.sleep(_FILE_PAUSE)
    path.unlink()


def _purge(messages: int) -> float:
    began = time.perf_counter()
    removed, finished = purge_for(None)
    assert finished
    assert removed == messages + messages // _OF_CONVERSATION, removed
    return time.perf_counter() - began


@contextmanager
def _waits(url: str) -> Iterator[Counter[str]]:
    """Look again and again at what PostgreSQL says the other's write waits for, where that takes long already."""
    seen: Counter[str] = Counter()
    if url.startswith("sqlite"):
        yield seen
        return
    over = threading.Event()

    def look() -> None:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            while not over.wait(0.01):
                found = connection.execute(_WAITS, [_WRITER, _SLOW]).fetchone()
                if found:
                    seen[f"{found[0]}, in {found[1]}"] += 1

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{sqlite_template(folder)}"
        return
    server = Postgres()
    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM RESET {setting}".encode())
        connection.execute(b"SELECT pg_reload_conf()")
    try:
        yield server.create()
    finally:
        server.stop()


def _seed(url: str, account: int, messages: int) -> None:
    conversations = messages // _OF_CONVERSATION
    born = datetime.now(UTC) - timedelta(days=200)
    ends = [born + timedelta(days=90, seconds=number) for number in range(conversations)]
    stamp = (lambda at: at.strftime("%Y-%m-%d %H:%M:%S.%f")) if url.startswith("sqlite") else (lambda at: at)
    first = stamp(born)
    _insert(url, "conversation", _CONVERSATION, (
        (number + 1, secrets.token_hex(11), account, first, first, stamp(ends[number]), False, "m", secrets.token_bytes(60))
        for number in range(conversations)
    ))  # fmt: skip
    # As they come in life: messages of many conversations between each other.
    _insert(url, "turn", _TURN, (
        (
            number + 1, secrets.token_hex(11), number % conversations + 1, account, "user", "done", "", "m", first,
            os.urandom(_BODY),
        )
        for number in range(messages)
    ))  # fmt: skip


def _insert(url: str, table: str, columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    names = ", ".join(columns)
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA synchronous=OFF")
        with connection:
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # names of ours
        # One transaction of a gigabyte leaves a journal of that size: to cut it off takes a second, with the write lock held.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return
    with (
        psycopg.connect(url.replace("+psycopg", "")) as server,
        server.cursor().copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy,
    ):
        for row in rows:
            copy.write_row(row)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as server:
        server.execute(f"VACUUM ANALYZE {table}".encode())


def _writer(url: str, meanwhile: object) -> list[float]:
    """Let another process write for as long as `meanwhile` takes, and return how many milliseconds each write took."""
    program = [sys.executable, "-m", "tests.bench.purge", "write", url]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        meanwhile()  # type: ignore[operator]
        process.stdin.close()
        return [float(line) for line in process.stdout]


def write(url: str) -> None:
    """Write until standard input ends, then print each write's milliseconds."""
    options = engine_options(url)
    if not url.startswith("sqlite"):
        options["connect_args"] = {"application_name": _WRITER}
    engine = sa.create_engine(url, **options)
    row = {
        "source": "chat", "model": "m", "provider": "p", "status": "done", "input_bytes": 1, "output_bytes": 1,
        "input_tokens": 1, "output_tokens": 1, "estimated": False, "total_ms": 1,
    }  # fmt: skip
    spent, out = [], io.StringIO()
    os.set_blocking(sys.stdin.fileno(), False)
    with engine.connect() as connection:
        connection.execute(sa.insert(Usage).values(at=datetime.now(UTC), **row))
        connection.commit()
        print("writing", flush=True)
        while os_read_more(sys.stdin.fileno()):
            began = time.perf_counter()
            connection.execute(sa.insert(Usage).values(at=datetime.now(UTC), **row))
            connection.commit()
            spent.append((time.perf_counter() - began) * 1000)
            time.sleep(_BETWEEN_WRITES)
    out.writelines(f"{one:.3f}\n" for one in spent)
    sys.stdout.write(out.getvalue())


def os_read_more(descriptor: int) -> bool:
    """Whether nobody has closed the other end yet."""
    try:
        return os.read(descriptor, 1) != b""
    except BlockingIOError:
        return True


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(sys.argv[2])
    else:
        for which in [sys.argv[1]] if len(sys.argv) > 1 else ["sqlite", "postgresql"]:
            main(which, int(sys.argv[2]) if len(sys.argv) > 2 else MESSAGES)
