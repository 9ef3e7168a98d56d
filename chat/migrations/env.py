"""Alembic's environment: the application's own engine and metadata, no ini file, no logging of its own."""

from alembic import context
from flask import current_app

extension = current_app.extensions["migrate"]
engine = extension.db.engine

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=extension.db.metadatas[None],
        **extension.configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()
