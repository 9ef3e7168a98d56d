"""`flask keys`: API keys from the command line. What the operator does with somebody's keys is on record for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from chat.accounts import audit
from chat.accounts.models import Account
from chat.accounts.service import find_account
from chat.billing.money import parse_dollars
from chat.gateway import keys as service
from chat.gateway.keys import START, Terms
from chat.gateway.models import ApiKey
from chat.gateway.present import state_of
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.site import current_site

_REASON = "by the operator's command, without a stated reason"


class Dollars(click.ParamType[int]):
    """An amount in dollars, kept in millionths."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_dollars(value)
        except Problem as problem:
            self.fail(problem.message, param, ctx)


_DOLLARS = Dollars()
_reason = click.option("--reason", default=_REASON, help="Why; the person reads it on the page of their data.")


@click.group("keys")
def keys() -> None:
    """API keys of the accounts."""


@keys.command()
@click.option("--account", "email", required=True, help="The account's e-mail address.")
@click.option("--name", required=True, help="What the key will be recognised by.")
@click.option("--expires", "expires_at", type=click.DateTime(["%Y-%m-%d"]), help="The day at whose start (UTC) it ends.")
@click.option("--endpoint", "endpoints", multiple=True, help="An endpoint it may call, like chat/completions; all without.")
@click.option("--model", "models", multiple=True, help="A model it may ask; all without.")
@click.option("--network", "networks", multiple=True, help="An address or network it may be used from; anywhere without.")
@click.option("--budget-day", type=_DOLLARS, help="Dollars a day at most.")
@click.option("--budget-week", type=_DOLLARS, help="Dollars a week at most.")
@click.option("--budget-month", type=_DOLLARS, help="Dollars a month at most.")
@click.option("--requests-per-minute", type=click.IntRange(1))
@click.option("--tokens-per-minute", type=click.IntRange(1))
@click.option("--parallel", type=click.IntRange(1), help="Requests at the same time.")
@click.option("--no-training", is_flag=True, help="Only providers that do not train on what they are sent.")
@click.option("--zero-retention", is_flag=True, help="Only providers that keep nothing.")
@click.option("--region", "regions", multiple=True, help="A region that providers must be in; anywhere without.")
@_reason
def create(email: str, name: str, reason: str, **terms: Any) -> None:
    """Make a key for an account, and print it: this once."""
    account, now = _account(email), clock.now()
    try:
        made = service.make_key(account, name, _terms(terms), current_site().api_secret, now)
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    audit.record("made an API key", reason=reason, now=now, about=account)
    db.session.commit()
    _print_once(made)


@keys.command("list")
@click.option("--account", "email", required=True, help="The account's e-mail address.")
def list_keys(email: str) -> None:
    """Show an account's keys; of each only what it can be recognised by."""
    rows, now = service.list_keys(_account(email)), clock.now()
    for row in rows:
        used = row.last_used_on or "never"
        shown = f"{START}{row.prefix}…{row.last_four}"
        click.echo(f"{row.public_id}  {shown}  {state_of(row, now):<8}  used {used!s:<10}  {_harmless(row.name)}")
    click.echo(f"{len(rows)} keys.")


@keys.command()
@click.argument("key_id")
@_reason
def disable(key_id: str, reason: str) -> None:
    """End a key, by the id that `flask keys list` shows."""
    (row, account), now = _key(key_id), clock.now()
    service.disable(row, now)
    audit.record("disabled an API key", reason=reason, now=now, about=account)
    db.session.commit()
    click.echo("Disabled 1 key.")


@keys.command()
@click.argument("key_id")
@click.option("--overlap-hours", type=click.IntRange(0), default=24, show_default=True, help="How long the old key goes on.")
@_reason
def rotate(key_id: str, overlap_hours: int, reason: str) -> None:
    """Make a key with the same terms in place of one, and print it: this once."""
    (row, account), now = _key(key_id), clock.now()
    try:
        made = service.rotate_key(row, account, timedelta(hours=overlap_hours), current_site().api_secret, now)
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    audit.record("rotated an API key", reason=reason, now=now, about=account)
    db.session.commit()
    _print_once(made)


def _print_once(made: service.Made) -> None:
    # The key alone on standard output, for whatever takes it from there.
    click.echo(made.key)
    click.echo(f"Made 1 key, {made.row.public_id}. It is not shown again.", err=True)


def _account(email: str) -> Account:
    account = find_account(email)
    if account is None:
        raise click.ClickException("There is no account with this address.")
    return account


def _key(key_id: str) -> tuple[ApiKey, Account]:
    found = service.find_key(key_id)
    if found is None:
        raise click.ClickException("There is no such key. `flask keys list --account EMAIL` shows their ids.")
    return found


def _terms(given: dict[str, Any]) -> Terms:
    day: datetime | None = given["expires_at"]
    lists = {name: given[name] or None for name in ("endpoints", "models", "networks", "regions")}
    return Terms(**given | lists | {"expires_at": None if day is None else day.replace(tzinfo=UTC)})


def _harmless(text: str) -> str:
    """Return the text without what a terminal would obey."""
    return "".join(one if one.isprintable() else "�" for one in text)
