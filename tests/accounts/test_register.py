"""Creating an account."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from chat.accounts.errors import AddressTaken
from chat.accounts.jobs import send_mail
from chat.accounts.models import Account
from chat.accounts.service import create_account
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import Site, current_site
from tests.accounts.mailbox import Mailbox
from tests.browser import Browser
from tests.conftest import MakeApp
from tests.people import PASSWORD, People


def test_the_form_asks_for_address_name_password_and_age_only(client: Browser) -> None:
    form = client.page("/register").form("/register")

    asked = {one.get("name") for one in form.all("input") if one.get("type") not in ("hidden", "submit")}

    assert asked == {"email", "display_name", "password", "is_old_enough"}
    assert "I am at least 13 years old" in form.text


def test_whoever_registers_is_signed_in_where_no_mail_is_sent(client: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    response = register(client)

    assert response.location == "/"
    assert "Security" in client.page("/settings/security").heading
    assert "mail to ana@example.org" in capsys.readouterr().out


def test_nobody_registers_without_stating_their_age(client: Browser) -> None:
    response = register(client, is_old_enough=None)

    assert response.status_code == 200
    assert find("ana@example.org") is None


def test_a_short_password_is_refused(client: Browser) -> None:
    response = register(client, password="ninechars")

    assert "at least 10 characters" in response.text
    assert find("ana@example.org") is None


def test_a_new_account_has_a_key(client: Browser, site: Site) -> None:
    register(client)

    account = find("ana@example.org")

    assert account is not None
    assert len(site.keyring.key_of(account.public_id)) == 32


def test_the_first_account_is_the_operators_and_the_second_is_not(app: Flask) -> None:
    register(browser(app))
    register(browser(app), email="ben@example.org")

    assert [is_operator("ana@example.org"), is_operator("ben@example.org")] == [True, False]


def test_of_two_first_accounts_made_at_once_one_is_the_operators(app: Flask) -> None:
    made = at_once(app, lambda number: create(f"person{number}@example.org"), times=4)

    assert made == [None] * 4
    assert db.session.scalar(sa.select(sa.func.count()).where(Account.is_operator)) == 1


def test_of_two_accounts_made_at_once_with_one_address_one_stands(app: Flask) -> None:
    made = at_once(app, lambda _number: create("ana@example.org"), times=4)

    assert [isinstance(one, AddressTaken) for one in made].count(True) == 3
    assert count_accounts() == 1


def test_registering_one_address_twice_at_once_fails_nobody(mailing_app: Flask) -> None:
    answers: list[TestResponse] = []

    at_once(mailing_app, lambda _number: answers.append(register(browser(mailing_app))), times=3)

    assert [(answer.status_code, answer.location) for answer in answers] == [(302, "/login")] * 3
    assert count_accounts() == 1


def test_addresses_that_differ_in_case_are_one(app: Flask, people: People) -> None:
    assert people.alice
    db.session.add(
        Account(
            public_id="x", email="ALICE@example.org", display_name="x", active=True, created_at=clock.now(), fs_uniquifier="x"
        )
    )

    with pytest.raises(IntegrityError):
        db.session.flush()


def test_a_known_address_gets_the_same_answer_as_a_new_one(mailing_app: Flask, mailbox: Mailbox) -> None:
    people(mailing_app).alice  # noqa: B018  # made when named
    new, known = browser(mailing_app), browser(mailing_app)

    answers = [register(new, email="ana@example.org"), register(known, email="alice@example.org")]

    assert answers[0].status_code == answers[1].status_code == 302
    assert answers[0].location == answers[1].location
    assert visible(new) == visible(known)
    send_mail()
    assert "/confirm/" in mailbox.link_to("ana@example.org")
    assert "You have one already" in str(mailbox.to("alice@example.org")[0].get_payload())


def test_a_closed_site_has_no_registration(make_app: MakeApp) -> None:
    closed = browser(make_app({"sign_in.registration": "closed"}))

    assert closed.get("/register").status_code == 404
    assert "/register" not in closed.get("/login").text


def test_no_address_reaches_the_log(client: Browser, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    register(client)

    assert "ana@" not in caplog.text
    assert "ana@" not in capfd.readouterr().err


def register(client: Browser, **changes: Any) -> TestResponse:
    fields = {
        "email": "ana@example.org", "display_name": "Ana", "password": PASSWORD, "is_old_enough": "y",
    } | changes  # fmt: skip
    return client.submit("/register", fields, action="/register", follow=False)


def visible(client: Browser) -> str:
    """What the next page says."""
    return client.page("/login").first("main").text


def browser(app: Flask) -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened


def people(app: Flask) -> People:
    with app.app_context():
        return People(current_site().keyring)


def create(email: str) -> None:
    create_account(current_site().keyring, email=email, display_name="x", password_hash="x", now=clock.now())
    db.session.commit()


def at_once(app: Flask, act: Any, *, times: int) -> list[Exception | None]:
    """Do `act` in several threads that start together; return what each of them raised."""
    barrier = threading.Barrier(times)
    raised: list[Exception | None] = [None] * times

    def run(number: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                act(number)
            except AddressTaken as error:
                raised[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


def find(email: str) -> Account | None:
    db.session.rollback()
    return db.session.scalar(sa.select(Account).where(Account.email == email))


def is_operator(email: str) -> bool:
    account = find(email)
    assert account is not None
    return account.is_operator


def count_accounts() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Account)) or 0
