"""Bringing the database to the code's version: by itself on SQLite, by the operator's command elsewhere.

Alembic and Flask-Migrate are imported only where something is migrated: a process that serves has no use for them.
"""

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from flask import Flask

from chat.kernel.db import db
from chat.kernel.errors import StartRefused
from chat.kernel.serving import is_serving

log = logging.getLogger("chat.migrate")

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"


def offer_migrations(app: Flask) -> None:
    """Make Flask-Migrate's `flask db` commands work on this application."""
    from flask_migrate import Migrate  # noqa: PLC0415  # see the top of this file

    Migrate(compare_type=True, render_as_batch=True, render_item=_plain_types).init_app(app, db, directory=str(MIGRATIONS))


def bring_up_to_date(app: Flask) -> None:
    """Migrate SQLite; on another database raise StartRefused when its version is not the code's."""
    with app.app_context():
        is_sqlite = db.engine.dialect.name == "sqlite"
        if (not is_sqlite and not is_serving()) or _version() == newest_version():
            return  # a command may be the very one that migrates
        if not is_sqlite:
            raise StartRefused("DATABASE_URL: the database is not at this version of the code. Run `flask db upgrade` first.")
        with _one_at_a_time(Path(app.instance_path) / "migrate.lock"):
            if _version() != newest_version():
                _upgrade_apart(app) if is_serving() else _upgrade(app)


def newest_version() -> str:
    """Return the revision that the code wants: migrations are numbered, and the last number is the newest."""
    return max(match[1] for path in (MIGRATIONS / "versions").glob("*.py") if (match := re.match(r"(\d{4})_", path.name)))


def _version() -> str | None:
    with db.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return version


def _upgrade_apart(app: Flask) -> None:
    """Migrate in a child process: what that loads and leaves behind would stay with a process that serves for weeks."""
    db.engine.dispose()  # SQLite's connections are not for two processes
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _upgrade(app)
            status = 0
        except Exception:
            log.exception("migrating failed")
        finally:
            os._exit(status)  # at once: nothing of the parent's is to be tidied up twice
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise StartRefused("DATABASE_URL: the database could not be brought to this version of the code; see the log.")


def _upgrade(app: Flask) -> None:
    from flask_migrate import upgrade  # noqa: PLC0415  # see the top of this file

    if "migrate" not in app.extensions:
        offer_migrations(app)
    upgrade(directory=str(MIGRATIONS))


def _plain_types(kind: str, value: object, _context: object) -> str | Literal[False]:
    """Write our own column types as the plain ones under them: a migration must not change when the code does."""
    if kind == "type" and isinstance(value, sa.types.TypeDecorator):
        return f"sa.{value.impl!r}"
    return False


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
