"""Confirming an address, and changing it."""

from typing import Any

import pytest
from flask import Flask

from chat.accounts.jobs import send_mail
from chat.accounts.models import Account
from chat.kernel.db import db
from chat.kernel.site import current_site
from tests.accounts.mailbox import Mailbox, text_of
from tests.browser import Browser, Page
from tests.people import PASSWORD, People, sign_in

Both = tuple[Flask, People]


def test_a_new_account_can_sign_in_once_its_address_is_confirmed(mailing_app: Flask, mailbox: Mailbox) -> None:
    client = browser(mailing_app)
    fields = {"email": "ana@example.org", "display_name": "Ana", "password": PASSWORD, "is_old_enough": "y"}
    client.submit("/register", fields, action="/register")
    send_mail()

    before = enter(client, "ana@example.org")
    client.submit(mailbox.link_to("ana@example.org"))
    after = enter(client, "ana@example.org")

    assert [before.status_code, after.status_code] == [200, 302]


def test_a_mail_scanner_that_opens_the_link_confirms_nothing(mailing: Both, mailbox: Mailbox) -> None:
    app, people = mailing
    unconfirm(people.alice)
    client = browser(app)
    client.submit("/confirm", {"email": people.alice.email}, action="/confirm")
    send_mail()

    client.get(mailbox.link_to(people.alice.email))

    assert reload(people.alice).confirmed_at is None


def test_a_new_address_holds_once_its_link_is_followed(mailing: Both, mailbox: Mailbox) -> None:
    app, people = mailing
    client, other = sign_in(browser(app), people.alice), sign_in(browser(app), people.alice)
    ask(client, "new@example.org")
    send_mail()
    link = mailbox.link_to("new@example.org")

    seen = browser(app).get(link)
    between = reload(people.alice).email
    browser(app).submit(link)

    assert seen.status_code == 200
    assert between == "alice@example.org"
    assert reload(people.alice).email == "new@example.org"
    assert [one.get("/settings/security").status_code for one in (client, other)] == [302, 302]


def test_the_old_address_is_told(mailing: Both, mailbox: Mailbox) -> None:
    app, people = mailing
    client = sign_in(browser(app), people.alice)
    ask(client, "new@example.org")
    send_mail()
    client.submit(mailbox.link_to("new@example.org"))
    send_mail()

    (notice,) = mailbox.to("alice@example.org")

    assert "another e-mail address" in text_of(notice)


def test_asking_for_an_address_that_has_an_account_looks_like_any_other(mailing: Both, mailbox: Mailbox) -> None:
    app, people = mailing
    assert people.bob
    clients = [sign_in(browser(app), people.alice) for _one in range(2)]

    answers = [ask(clients[0], "free@example.org"), ask(clients[1], people.bob.email)]
    send_mail()

    texts = [Page(answer.text).first("main").text for answer in answers]
    assert texts[0] == texts[1]
    assert mailbox.to(people.bob.email) == []


def test_the_address_changes_only_shortly_after_a_password(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)
    with client.session_transaction() as session:
        session["fs_paa"] -= 11 * 60

    stale = client.get("/settings/profile/email")
    client.submit(stale.location, {"password": PASSWORD}, action="/verify")
    fresh = client.get("/settings/profile/email")

    assert stale.location.startswith("/verify")
    assert fresh.status_code == 200


def test_the_name_can_be_changed(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)

    client.submit("/settings/profile", {"display_name": "  Alice   B. "})

    assert reload(people.alice).display_name == "Alice B."


@pytest.fixture
def mailing(mailing_app: Flask) -> Both:
    return mailing_app, People(current_site().keyring)


def ask(client: Browser, email: str) -> Any:
    return client.submit("/settings/profile/email", {"email": email}, action="/settings/profile/email")


def enter(client: Browser, email: str) -> Any:
    return client.submit("/login", {"email": email, "password": PASSWORD}, action="/login", follow=False)


def unconfirm(account: Account) -> None:
    account.confirmed_at = None
    db.session.commit()


def reload(account: Account) -> Account:
    db.session.rollback()
    db.session.refresh(account)
    return account


def browser(app: Flask) -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened
