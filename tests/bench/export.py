"""A copy of 10,000 conversations of 10 messages of 2 KB, streamed from the real server: `python -m tests.bench.export`.

The server's memory is looked at all the while: how long the history is must make no difference to it.
`--conversations N` for fewer, `--only sqlite` for one database.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]
import sqlalchemy as sa

from chat.consent import gate, ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.codec import pack_body
from chat.conversations.models import Conversation, StoredTurn
from chat.conversations.transcript import say
from chat.factory import create_app
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.ids import public_id
from chat.kernel.site import current_site
from chat.providers.base import Role, Text
from tests.bench.machine import Figure, show
from tests.browser import Page, form_data
from tests.conftest import settings_for_tests
from tests.databases import Postgres
from tests.people import PASSWORD, People
from tests.servers import Server, running

# Prose with some of everything that Markdown has: what is typeset of it is what answers look like.
PROSE = (
    "## What matters\n\nA **sentence** as models write it, with `code` and *emphasis* and words that say little, again.\n\n"
    "- one point that is longer than the others and goes on\n- another\n\n```python\ndef f(x):\n    return x * 2\n```\n\n"
)
TURNS, LENGTH = 10, 2000
_AT_ONCE = 500
MOST_SECONDS, MOST_GROWTH = 60.0, 64.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    wanted = parser.parse_args()
    for kind in ("sqlite", "postgresql"):
        if wanted.only in (None, kind):
            with _database(kind) as url, tempfile.TemporaryDirectory() as folder:
                _fill(Path(folder), url, wanted.conversations)
                with running("gunicorn", {"CHAT_INSTANCE": folder} | ({"DATABASE_URL": url} if url else {})) as server:
                    show(f"A copy of {wanted.conversations:,} conversations, {kind}", _measure(server))


def _measure(server: Server) -> list[Figure]:
    with httpx2.Client(base_url=server.url, timeout=300, trust_env=False, follow_redirects=True) as http:
        login = Page(http.get("/login").text).form("/login")
        http.post("/login", data=form_data(login) | {"email": "alice@example.org", "password": PASSWORD})
        began = time.perf_counter()
        http.get("/settings/data")
        looked = time.perf_counter() - began
        form = Page(http.get("/settings/data/export").text).form("/settings/data/export")
        with _memory(server) as seen:
            began = time.perf_counter()
            first = size = 0.0
            with http.stream("POST", "/settings/data/export", data=form_data(form)) as response:
                assert response.status_code == 200
                for piece in response.iter_raw():
                    first = first or time.perf_counter() - began
                    size += len(piece)
            spent = time.perf_counter() - began
    return [
        Figure("the page of one's data", looked * 1000, "ms"),
        Figure("until the first byte", first * 1000, "ms"),
        Figure("the whole copy", spent, "s", most=MOST_SECONDS),
        Figure("its size", size / 1e6, "MB"),
        Figure("the server's memory before", seen[0], "MB"),
        Figure("the most it grew by meanwhile", max(seen) - seen[0], "MB", most=MOST_GROWTH),
    ]


@contextmanager
def _memory(server: Server) -> Iterator[list[float]]:
    """The memory of all the server's processes in MB, looked at again and again while the block runs."""
    processes = server.processes()
    seen = [_resident(processes)]
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            seen.append(_resident(processes))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _resident(processes: list[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        with suppress(psutil.NoSuchProcess):  # some do one thing at the start, and end
            total += one.memory_info().rss / 1e6
    return total


@contextmanager
def _database(kind: str) -> Iterator[str | None]:
    if kind == "sqlite":
        yield None
        return
    server = Postgres()
    url = server.create()
    try:
        yield url
    finally:
        server.drop(url)
        server.stop()


def _fill(folder: Path, url: str | None, conversations: int) -> None:
    """Make alice and her history in rows, sealed as they are in use."""
    app = create_app(settings_for_tests(folder, database_url=url, chat_log_level="WARNING"))
    with app.app_context():
        site, now = current_site(), clock.now()
        alice = People(site.keyring).alice
        ledger.give(alice, Purpose.HISTORY, Source.SETTINGS, now)
        db.session.commit()
        for start in range(0, conversations, _AT_ONCE):
            permit = gate.issue(alice, Purpose.HISTORY, site.keyring)
            _insert(permit, alice.id, range(start, min(start + _AT_ONCE, conversations)), now)
            db.session.commit()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def _insert(permit: gate.Permit, account_id: int, numbers: range, now: datetime) -> None:
    heads, rows = [], []
    for number in numbers:
        name, at = public_id(), now - timedelta(minutes=number)
        title = gate.seal(permit, history.title_place(name), f"Conversation {number}".encode())
        heads.append(
            {
                "id": number + 1, "public_id": name, "account_id": account_id, "created_at": at, "updated_at": at,
                "kept_since": at, "expires_at": now + timedelta(days=90), "pinned": False, "model": "echo", "title": title,
            }
        )  # fmt: skip
        parent = None
        for place in range(TURNS):
            words = (f"needle{number}x{place} " + PROSE * (LENGTH // len(PROSE) + 1))[:LENGTH]
            turn = say(parent, (Text(words),), at)
            parent = turn.id
            rows.append(
                {
                    "public_id": turn.id, "conversation_id": number + 1, "account_id": account_id, "parent": turn.parent,
                    "role": Role.ASSISTANT if place % 2 else Role.USER, "state": "done", "problem": "", "model": "echo",
                    "written_at": at, "body": gate.seal(permit, history.body_place(turn.id), pack_body(turn)),
                }
            )  # fmt: skip
    db.session.execute(sa.insert(Conversation), heads)
    db.session.execute(sa.insert(StoredTurn), rows)


if __name__ == "__main__":
    main()
