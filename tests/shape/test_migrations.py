"""The migrations, from nothing, end in exactly the tables that the models describe, and lead back to nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade

from chat.kernel.db import Base, db
from chat.kernel.migrate import MIGRATIONS, newest_version
from tests.databases import bare_app


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    url: str = server.create(empty=True)
    yield url
    server.drop(url)


@pytest.mark.filterwarnings("ignore:autogenerate skipping .* expression-based index", "ignore:Skipped unsupported reflection")
def test_migrations_from_nothing_equal_the_models(empty_database: str) -> None:
    app = bare_app(empty_database)

    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
            differences = compare_metadata(context, Base.metadata)
        db.engine.dispose()

    assert not differences, differences


def test_migrations_make_every_index_of_the_models(empty_database: str) -> None:
    """Alembic does not compare indexes over expressions, such as the one that makes an address unique whatever its case."""
    app = bare_app(empty_database)

    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        question = "SELECT name FROM sqlite_master WHERE type = 'index'"
        if db.engine.dialect.name == "postgresql":
            question = "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
        found = set(db.session.scalars(sa.text(question)))
        db.session.remove()
        db.engine.dispose()

    wanted = {index.name for table in Base.metadata.tables.values() for index in table.indexes}
    assert wanted <= found


def test_migrations_lead_back_to_nothing(empty_database: str) -> None:
    app = bare_app(empty_database)

    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        downgrade(directory=str(MIGRATIONS), revision="base")
        left = sa.inspect(db.engine).get_table_names()
        db.engine.dispose()

    assert left == ["alembic_version"]


def test_there_is_one_line_of_migrations() -> None:
    script = ScriptDirectory(str(MIGRATIONS))

    assert script.get_heads() == [newest_version()]


def test_migrations_import_no_model() -> None:
    importing = [one.name for one in (MIGRATIONS / "versions").glob("*.py") if ".models" in one.read_text(encoding="utf-8")]

    assert not importing
