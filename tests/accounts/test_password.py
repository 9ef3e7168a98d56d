"""Forgotten and changed passwords."""

import time
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.jobs import send_mail
from chat.accounts.models import Device
from chat.accounts.views_sign_in import MAILS, PADDED_SECONDS
from chat.kernel.db import db
from chat.kernel.site import current_site
from tests.accounts.mailbox import Mailbox, links_in
from tests.browser import Browser, Page
from tests.people import PASSWORD, People, sign_in

NEW = "another long password"
Both = tuple[Flask, People]


def test_a_mailed_link_sets_a_new_password_and_ends_every_session(app_and_people: Both, mailbox: Mailbox) -> None:
    app, people = app_and_people
    before = sign_in(browser(app), people.alice)
    client = browser(app)
    ask(client, people.alice.email)
    send_mail()

    client.submit(mailbox.link_to(people.alice.email), {"password": NEW, "password_confirm": NEW}, action="/reset/")

    assert before.get("/settings/security").status_code == 302
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Device)) == 0
    assert (
        client.submit("/login", {"email": people.alice.email, "password": NEW}, action="/login", follow=False).location == "/"
    )


def test_a_link_works_once(app_and_people: Both, mailbox: Mailbox) -> None:
    app, people = app_and_people
    client = browser(app)
    ask(client, people.alice.email)
    send_mail()
    link = mailbox.link_to(people.alice.email)
    client.submit(link, {"password": NEW, "password_confirm": NEW}, action="/reset/")

    again = client.get(link)

    assert again.location == "/reset"


def test_links_lead_to_the_configured_origin(app_and_people: Both, mailbox: Mailbox) -> None:
    app, people = app_and_people
    client = browser(app)
    local = "http://127.0.0.1:5000"
    token = client.page("/reset", base_url=local).by_id("csrf_token").get("value")

    client.post("/reset", data={"csrf_token": token, "email": people.alice.email}, base_url=local)
    send_mail()

    (link,) = links_in(mailbox.to(people.alice.email)[-1])
    assert link.startswith("https://candor.example/reset/")


def test_a_forged_host_is_refused(app_and_people: Both) -> None:
    app, _people = app_and_people

    assert browser(app).get("/reset", base_url="https://evil.example").status_code == 400


@pytest.mark.parametrize("path", ["/reset", "/confirm"])
def test_known_and_unknown_addresses_get_the_same_page_and_not_before_its_time(app_and_people: Both, path: str) -> None:
    app, people = app_and_people
    people.alice.confirmed_at = None if path == "/confirm" else people.alice.confirmed_at
    db.session.commit()
    answers, took = [], []

    for address in (people.alice.email, "alicia@example.org"):
        client = browser(app)
        token = client.csrf(path)
        started = time.monotonic()
        response = client.post(path, data={"csrf_token": token, "email": address})
        took.append(time.monotonic() - started)
        answers.append(response.text.replace(address, "").replace(client.csrf(path), ""))

    assert main_of(answers[0]) == main_of(answers[1])
    assert min(took) >= PADDED_SECONDS, took


def test_strangers_cannot_flood_a_mailbox(app_and_people: Both) -> None:
    app, _people = app_and_people
    allowed = int(MAILS.partition("/")[0])

    statuses = [ask(browser(app), "nobody@example.org").status_code for _one in range(allowed + 1)]

    assert statuses == [200] * allowed + [429]


def test_changing_the_password_ends_all_other_devices(app: Flask, people: People) -> None:
    client, other = sign_in(browser(app), people.alice), sign_in(browser(app), people.alice)

    change(client, PASSWORD)

    assert client.get("/settings/security").status_code == 200
    assert other.get("/settings/security").status_code == 302
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Device)) == 1


def test_the_password_changes_only_for_who_knows_the_old_one(app: Flask, people: People) -> None:
    client, other = sign_in(browser(app), people.alice), sign_in(browser(app), people.alice)

    change(client, "wrong password")

    assert other.get("/settings/security").status_code == 200


def test_without_a_mail_server_the_operator_sees_the_link_on_the_console(
    app: Flask, people: People, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    ask(browser(app), people.alice.email)

    shown = capsys.readouterr().out

    assert "mail to alice@example.org" in shown
    assert "/reset/" in shown
    assert "alice@" not in caplog.text


@pytest.fixture
def app_and_people(mailing_app: Flask) -> Both:
    return mailing_app, People(current_site().keyring)


def ask(client: Browser, email: str) -> Any:
    return client.submit("/reset", {"email": email}, action="/reset")


def change(client: Browser, password: str) -> None:
    fields = {"password": password, "new_password": NEW, "new_password_confirm": NEW}
    client.submit("/settings/security/password", fields, action="/settings/security/password")


def main_of(html: str) -> str:
    return Page(html).first("main").text


def browser(app: Flask) -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened
