"""A backup from before an erasure, put back: what was written stays unreadable, and the erasure is done again by itself."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.datarights import erase
from chat.datarights.feature import FEATURE
from chat.datarights.jobs import RESTORED_JOB, carry_out
from chat.datarights.models_erase import Erasure, Scope
from chat.jobs import turns
from chat.jobs.work import get_job, run_now
from chat.kernel import clock as kernel_clock
from chat.kernel.crypto import CannotOpen
from chat.kernel.db import db, truncate_journal
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site
from tests.browser import Browser
from tests.chatting import Chat, providers, turn_history_on
from tests.conftest import Clock, MakeApp
from tests.databases import Postgres
from tests.datarights.seeding import counts, places_of
from tests.fakes import FakeProvider
from tests.people import People, sign_in

HERS, HIS = "aardvarks-in-the-attic", "badgers-in-the-basement"
Start = Callable[[], Flask]


@pytest.fixture
def start(make_app: MakeApp, fake: FakeProvider) -> Start:
    """Start the application, or start it again: on the same database, with the same instance folder."""
    return lambda: make_app({"providers": providers(fake.url)})


@pytest.fixture
def backup(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator["Backup"]:
    kept = Backup(database, tmp_path, request)
    yield kept
    kept.forget()


def test_a_restored_backup_shows_nobody_what_an_erased_person_wrote(start: Start, backup: "Backup") -> None:
    people = _two_people_write(start())
    hers, email = people.alice.public_id, people.alice.email
    backup.take()
    _erase(people.alice)

    backup.restore()
    client = start().test_client()
    assert isinstance(client, Browser)
    again = db.session.scalars(sa.select(Account).where(Account.email == email)).one()  # as old as the backup
    sign_in(client, again)

    with pytest.raises(CannotOpen):
        current_site().keyring.key_of(hers)
    shown = [client.get(path).text for path in ("/", "/history", f"/c/{_conversation(again)}")]
    assert not [page for page in shown if HERS in page]
    assert HERS.encode() not in backup.bytes()


def test_a_person_whom_a_backup_brings_back_is_erased_again_and_nobody_else(start: Start, backup: "Backup") -> None:
    people = _two_people_write(start())
    number, hers, his = people.alice.id, people.alice.public_id, people.bob.id
    backup.take()
    _erase(people.alice)
    backup.restore()
    app = start()
    stores, before = current_stores(), counts(current_stores(), his)
    assert places_of(stores, number, hers)

    assert run_now(get_job(RESTORED_JOB)) == 1

    db.session.rollback()
    assert places_of(stores, number, hers) == []
    assert [one.document["asked_by"] for one in db.session.scalars(sa.select(Erasure)) if one.document] == ["restored"]
    assert counts(stores, his) == before
    client = app.test_client()
    assert isinstance(client, Browser)
    bob = db.session.get_one(Account, his)
    assert HIS in sign_in(client, bob).get(f"/c/{_conversation(bob)}").text
    assert run_now(get_job(RESTORED_JOB)) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_start_looks_for_them(app: Flask, clock: Clock) -> None:
    turns.enrol([get_job(RESTORED_JOB)], clock.now)
    run_now(get_job(RESTORED_JOB))
    assert RESTORED_JOB not in turns.list_due(clock.now)
    assert FEATURE.start

    FEATURE.start(app)

    assert RESTORED_JOB in turns.list_due(clock.now)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_was_erased_is_forgotten_when_no_backup_is_left(make_app: MakeApp, clock: Clock) -> None:
    make_app({"retention.backups": 7})
    keyring = current_site().keyring
    keyring.create("alice")
    keyring.bury("alice", clock.now.date())

    clock.advance(days=8)
    run_now(get_job(RESTORED_JOB))
    assert keyring.find_buried(["alice", "bob"]) == ["alice"]
    clock.advance(days=2)
    run_now(get_job(RESTORED_JOB))

    assert keyring.find_buried(["alice", "bob"]) == []
    assert keyring.forget_buried(clock.now.date() + timedelta(days=1)) == 0


class Backup:
    """The database as it was: a copy of the file, or on PostgreSQL of the database. The keyring is no part of it."""

    def __init__(self, url: str, folder: Path, request: pytest.FixtureRequest) -> None:
        self._name = sa.make_url(url).database or ""
        self._copy = folder / "backup.sqlite"
        self._postgres: Postgres | None = request.getfixturevalue("postgres") if url.startswith("postgresql") else None

    def take(self) -> None:
        self._end_connections()
        if self._postgres:
            self._postgres._run(f"CREATE DATABASE {self._name}_kept TEMPLATE {self._name}")
        else:
            shutil.copy(self._name, self._copy)

    def restore(self) -> None:
        self._end_connections()
        if self._postgres:
            self._postgres._run(f"DROP DATABASE {self._name} WITH (FORCE)")
            self._postgres._run(f"CREATE DATABASE {self._name} TEMPLATE {self._name}_kept")
        else:
            for ending in ("-wal", "-shm"):
                Path(self._name + ending).unlink(missing_ok=True)
            shutil.copy(self._copy, self._name)

    def bytes(self) -> bytes:
        """What somebody who gets hold of the backup reads."""
        if not self._postgres:
            return self._copy.read_bytes()
        tables = db.session.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = [row for name in tables for row in db.session.execute(sa.text(f'SELECT * FROM "{name}"'))]
        return b"\0".join(
            bytes(one) if isinstance(one, (bytes, memoryview)) else str(one).encode() for row in rows for one in row
        )

    def forget(self) -> None:
        if self._postgres:
            self._postgres._run(f"DROP DATABASE IF EXISTS {self._name}_kept WITH (FORCE)")

    def _end_connections(self) -> None:
        db.session.remove()
        truncate_journal()
        db.engine.dispose()


def _two_people_write(app: Flask) -> People:
    people = People(current_site().keyring)
    for person, words in ((people.alice, HERS), (people.bob, HIS)):
        client = app.test_client()
        assert isinstance(client, Browser)
        turn_history_on(sign_in(client, person))
        assert Chat(client).send(words, model="ok").conversation
    return people


def _erase(person: Account) -> None:
    erasure = erase.begin(person, Scope.ACCOUNT, asked_by="person", now=kernel_clock.now())
    db.session.commit()
    carry_out(erasure.public_id)


def _conversation(person: Account) -> str:
    found = db.session.execute(sa.text("SELECT public_id FROM conversation WHERE account_id = :id"), {"id": person.id})
    return str(found.scalar_one())
