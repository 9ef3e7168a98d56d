"""Accounts from the operator's command line."""

import sys

import click
from flask import current_app
from flask_security import Security
from flask_security.mail_util import EmailValidateException
from flask_security.utils import hash_password

from chat.accounts.errors import AddressTaken
from chat.accounts.models import Account
from chat.accounts.service import create_account
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import current_site


@click.group("accounts")
def accounts() -> None:
    """Manage accounts."""


@accounts.command()
@click.argument("email")
@click.option("--admin", is_flag=True, help="Make it an operator's account.")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
def create(email: str, *, admin: bool, password_stdin: bool) -> None:  # noqa: ARG001  # the option itself is the statement
    """Create an account that can sign in at once."""
    password = sys.stdin.readline().rstrip("\r\n")
    try:
        account = _create(email, password, operator=admin)
    except AddressTaken as taken:
        raise click.ClickException(taken.message) from None
    db.session.commit()
    click.echo(f"Created 1 account{', an operator' if account.is_operator else ''}.")


def _create(email: str, password: str, *, operator: bool) -> Account:
    security: Security = current_app.extensions["security"]
    try:
        address = security.mail_util.validate(email)
    except EmailValidateException as problem:
        raise click.BadParameter(problem.msg) from None
    faults, password = security.password_util.validate(password, is_register=True)
    if faults:
        raise click.ClickException("\n".join(map(str, faults)))
    return create_account(
        current_site().keyring,
        email=address,
        display_name=address.partition("@")[0],
        password_hash=hash_password(password),
        now=clock.now(),
        confirmed=True,
        operator=operator,
    )
