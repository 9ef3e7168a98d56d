"""Jobs from the operator's command line."""

import signal

import click
from flask import current_app

from chat.jobs.runner import runner_of
from chat.jobs.work import get_job, run_now
from chat.kernel.errors import NotFound


@click.group("jobs")
def jobs() -> None:
    """Run background jobs."""


@jobs.command()
@click.argument("name")
def run(name: str) -> None:
    """Run the job NAME once, here and now."""
    try:
        job = get_job(name)
    except NotFound as unknown:
        raise click.BadParameter(unknown.message) from None
    count = run_now(job)
    if count is None:
        raise click.ClickException(f"{name} failed; the log above says where.")
    click.echo(f"{name}: {count} done.")


@jobs.command()
def worker() -> None:
    """Run jobs until stopped; the one that runs is finished first."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    runner = runner_of(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001  # how a LocalProxy is opened
    runner.start(beside_others=True)
    try:
        runner.join()
    except KeyboardInterrupt:
        runner.stop()
    click.echo("The worker has stopped.")
