"""What the operator may see of use: pages opened by people who agreed, and requests of people who do not object."""

from datetime import timedelta

import click

from chat.analytics.counts import list_counts
from chat.analytics.statistics import list_usage
from chat.kernel import clock


@click.group("analytics")
def analytics() -> None:
    """See how the site is used, in numbers about nobody."""


@analytics.command()
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="How far back.")
def show(days: int) -> None:
    """Print how often each kind of page was opened, day by day, by people who agreed to be counted."""
    rows = list_counts(clock.now() - timedelta(days=days))
    for day, page, count in rows:
        click.echo(f"{day:%Y-%m-%d}  {count:>8}  {page}")
    click.echo(f"{sum(row[2] for row in rows)} pages on {len({row[0] for row in rows})} days.")


@analytics.command()
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="How far back.")
def usage(days: int) -> None:
    """Print how many requests each model had, day by day, without the people who object to statistics."""
    rows = list_usage(clock.now() - timedelta(days=days))
    for day, model, calls, tokens in rows:
        click.echo(f"{day}  {calls:>8} requests  {tokens:>12} tokens  {model}")
    click.echo(f"{sum(row[2] for row in rows)} requests on {len({row[0] for row in rows})} days.")
