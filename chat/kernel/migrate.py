"""Bringing the database to the code's version: by itself on SQLite, by the operator's command elsewhere."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, upgrade

from chat.kernel.db import db
from chat.kernel.errors import StartRefused

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"

migrate = Migrate(compare_type=True, render_as_batch=True)


def bring_up_to_date(app: Flask) -> None:
    """Migrate SQLite; on another database raise StartRefused when its version is not the code's."""
    with app.app_context():
        if _version() == _newest():
            return
        if db.engine.dialect.name != "sqlite":
            raise StartRefused("DATABASE_URL: the database is not at this version of the code. Run `flask db upgrade` first.")
        with _one_at_a_time(Path(app.instance_path) / "migrate.lock"):
            if _version() != _newest():
                upgrade(directory=str(MIGRATIONS))


def _version() -> str | None:
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _newest() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
