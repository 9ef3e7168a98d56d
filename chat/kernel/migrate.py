"""Bringing the database to the code's version: by itself on SQLite, by the operator's command elsewhere."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, upgrade

from chat.kernel.db import db
from chat.kernel.errors import StartRefused
from chat.kernel.serving import is_serving

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"


def _plain_types(kind: str, value: object, _context: object) -> str | Literal[False]:
    """Write our own column types as the plain ones under them: a migration must not change when the code does."""
    if kind == "type" and isinstance(value, sa.types.TypeDecorator):
        return f"sa.{value.impl!r}"
    return False


migrate = Migrate(compare_type=True, render_as_batch=True, render_item=_plain_types)


def bring_up_to_date(app: Flask) -> None:
    """Migrate SQLite; on another database raise StartRefused when its version is not the code's."""
    with app.app_context():
        is_sqlite = db.engine.dialect.name == "sqlite"
        if (not is_sqlite and not is_serving()) or _version() == _newest():
            return  # a command may be the very one that migrates
        if not is_sqlite:
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
