"""Erasing an account of 10,000 conversations, ten turns of 2 KB each: `python -m tests.bench.erase [sqlite|postgresql]`."""

import sys
import tempfile
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.datarights import erase
from chat.datarights.jobs import carry_out
from chat.datarights.models_erase import Scope
from chat.kernel import clock
from chat.kernel.db import db
from tests.bench.machine import Figure, show
from tests.bench.seed import site_with_history
from tests.databases import Postgres


def main() -> None:
    for which in sys.argv[1:] or ("sqlite", "postgresql"):
        if which == "sqlite":
            _measure(which, {})
            continue
        server = Postgres()
        try:
            _measure(which, {"database_url": server.create()})
        finally:
            server.stop()


def _measure(which: str, settings: dict[str, str]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        site_with_history(Path(folder), conversations=10_000, turns=10, length=2000, **settings) as (app, _client),
    ):
        account = db.session.scalars(sa.select(Account).where(Account.email == "alice@example.org")).one()
        bob = db.session.scalars(sa.select(Account).where(Account.email == "ada@example.org")).one().id
        waits: list[float] = []
        over = threading.Event()
        writer = threading.Thread(target=_write, args=(app, bob, waits, over), daemon=True)
        writer.start()
        began = time.perf_counter()
        erasure = erase.begin(account, Scope.ACCOUNT, asked_by="person", now=clock.now())
        db.session.commit()
        certificate = carry_out(erasure.public_id)
        took = time.perf_counter() - began
        over.set()
        writer.join()
        rows = sum(one["rows"] for one in certificate["removed"])
        show(
            f"Erasing an account of 10,000 conversations, 100,000 messages of 2 KB, {which}",
            [
                Figure("from the button to the certificate", took, "s", most=60),
                Figure("rows that went", rows, ""),
                Figure("the longest that another write took meanwhile", max(waits) * 1000, "ms"),
            ],
        )


def _write(app: object, account: int, waits: list[float], over: threading.Event) -> None:
    """Write as somebody else does, again and again, and note how long each write took."""
    with app.app_context():  # type: ignore[attr-defined]  # a Flask application
        while not over.wait(0.02):
            began = time.perf_counter()
            db.session.execute(sa.update(Account).where(Account.id == account).values(display_name=f"Ada {len(waits)}"))
            db.session.commit()
            waits.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
