"""Jobs from the operator's command line."""

import click
from flask import current_app

from chat.jobs.consumer import run_worker
from chat.jobs.work import do
from chat.kernel.errors import NotFound


@click.group("jobs")
def jobs() -> None:
    """Run background jobs."""


@jobs.command()
@click.argument("name")
def run(name: str) -> None:
    """Run the job NAME once, here and now."""
    try:
        count = do(name)
    except NotFound as unknown:
        raise click.BadParameter(unknown.message) from None
    click.echo(f"{name}: {count} done.")


@jobs.command()
def worker() -> None:
    """Work the queue off until stopped."""
    run_worker(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001  # how a LocalProxy is opened
