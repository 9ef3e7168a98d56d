"""`flask notices`: what every page says. `flask updates`: news by mail for those who asked."""

from datetime import UTC, datetime
from typing import IO

import click

from chat.accounts import audit
from chat.announcements.notices import list_notices, mail_notice, publish_notice, withdraw_notice
from chat.announcements.updates import send_updates
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.site import current_site


@click.group()
def notices() -> None:
    """Tell everybody something on every page."""


@notices.command()
@click.option("--title", required=True, help="One line.")
@click.option("--text", required=True, help="A few sentences. Plain text.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it is shown.")
@click.option("--mail", "by_mail", is_flag=True, help="Send it to everybody with an account, too.")
def publish(*, title: str, text: str, until: datetime | None, by_mail: bool) -> None:
    """Show a notice on every page, with a link by which people can delete their account first."""
    now = clock.now()
    end = until.replace(hour=23, minute=59, second=59, tzinfo=UTC) if until else None
    if end is not None and end <= now:
        raise click.BadParameter("this day is over", param_hint="--until")
    _check(title, 120, "--title")
    _check(text, 2000, "--text")
    notice = publish_notice(title, text, until=end, now=now)
    mailing = mail_notice(notice, current_site(), now) if by_mail else None
    audit.record("notice published", reason=title, now=now)
    db.session.commit()
    click.echo(f"Every page shows it. To end that: flask notices withdraw {notice.public_id}")
    if by_mail and mailing is None:
        click.echo("It was not mailed: MAIL_URL is not set.")


@notices.command("list")
def list_() -> None:
    """Print the notices that are not withdrawn."""
    for one in list_notices():
        click.echo(f"{one.public_id}  since {one.published_at:%Y-%m-%d}  {one.title}")


@notices.command()
@click.argument("number")
def withdraw(number: str) -> None:
    """Show the notice NUMBER no longer."""
    try:
        withdraw_notice(number, clock.now())
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    audit.record("notice withdrawn", reason=number, now=clock.now())
    db.session.commit()
    click.echo("It is shown no longer.")


@click.group()
def updates() -> None:
    """Send news to those who asked for it."""


@updates.command()
@click.option("--subject", required=True)
@click.option("--text-file", required=True, type=click.File(encoding="utf-8"), help="Plain text; - reads standard input.")
def send(*, subject: str, text_file: IO[str]) -> None:
    """Mail the text to everybody whose latest word on news is yes."""
    _check(subject, 200, "--subject")
    try:
        send_updates(subject, text_file.read(), current_site(), clock.now())
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    audit.record("news sent", reason=subject, now=clock.now())
    db.session.commit()
    click.echo("It is on its way to those who asked for news; `flask jobs run mail.mailings` hurries it.")


def _check(text: str, most: int, option: str) -> None:
    if not text.strip() or len(text) > most:
        raise click.BadParameter(f"write 1 to {most} characters", param_hint=option)
    if most < 2000 and len(text.splitlines()) != 1:
        raise click.BadParameter("write one line", param_hint=option)
