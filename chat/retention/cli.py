"""`flask privacy purge`: the purge by hand, to its end."""

import click

from chat.kernel.cli import privacy
from chat.kernel.personal_data import current_stores
from chat.retention.jobs import purge_for
from chat.retention.purge import ageless


@privacy.command("purge")
def purge() -> None:
    """Delete now what is past its time, and say which tables have no such time."""
    removed, _finished = purge_for(None)
    for store in ageless(current_stores()):
        click.echo(f"{store.model.__tablename__}: its rows have no age. Why: {store.why}.")
    click.echo(f"{removed} rows were past their time and are deleted.")
