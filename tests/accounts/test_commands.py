"""`flask accounts create`, and the keys that sign mailed links."""

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from chat.accounts.models import Account
from chat.accounts.security import sign_with_the_newest_key
from chat.kernel.db import db
from tests.browser import Browser


def test_the_first_account_is_the_operators_and_can_sign_in(app: Flask, client: Browser) -> None:
    result = run(app, "ana@example.org", "--password-stdin")

    assert result.output == "Created 1 account, an operator.\n"
    fields = {"email": "ana@example.org", "password": "a long password"}
    assert client.submit("/login", fields, action="/login", follow=False).location == "/"


def test_further_accounts_are_operators_only_by_name(app: Flask) -> None:
    for name, more in (("ana", []), ("ben", []), ("cia", ["--admin"])):
        run(app, f"{name}@example.org", "--password-stdin", *more)

    made = db.session.execute(sa.select(Account.email, Account.is_operator).order_by(Account.id)).all()
    assert [tuple(one) for one in made] == [
        ("ana@example.org", True), ("ben@example.org", False), ("cia@example.org", True),
    ]  # fmt: skip


def test_a_second_run_changes_nothing(app: Flask) -> None:
    run(app, "ana@example.org", "--password-stdin")
    before = db.session.scalar(sa.select(Account.password))

    again = run(app, "Ana@Example.org", "--password-stdin", password="another password")

    db.session.rollback()
    assert again.exit_code == 1
    assert "already" in again.output
    assert db.session.scalars(sa.select(Account.password)).all() == [before]


@pytest.mark.parametrize(("email", "password"), [("not an address", "a long password"), ("ana@example.org", "short")])
def test_what_the_page_would_refuse_the_command_refuses(app: Flask, email: str, password: str) -> None:
    result = run(app, email, "--password-stdin", password=password)

    assert result.exit_code != 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Account)) == 0


def test_a_password_is_never_an_argument(app: Flask) -> None:
    assert run(app, "ana@example.org").exit_code == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_links_are_signed_with_the_current_secret_not_with_a_retired_one(app: Flask) -> None:
    app.config["SECRET_KEY_FALLBACKS"] = ["retired"]
    security = app.extensions["security"]
    security.reset_serializer = URLSafeTimedSerializer([app.config["SECRET_KEY"], "retired"], salt="reset-salt")

    sign_with_the_newest_key(security)

    token = security.reset_serializer.dumps(["x"])
    assert URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="reset-salt").loads(token) == ["x"]


def run(app: Flask, *arguments: str, password: str = "a long password") -> Result:
    return app.test_cli_runner().invoke(args=["accounts", "create", *arguments], input=f"{password}\n")
