"""Mail waits in a table until a mail server takes it."""

import threading
from datetime import timedelta
from email.utils import parseaddr

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts import mail
from chat.accounts.jobs import send_mail
from chat.accounts.models import OutgoingMail
from chat.accounts.outbox import MOST_ATTEMPTS
from chat.accounts.smtp import MailServer
from chat.kernel.db import db
from tests.accounts.mailbox import Mailbox, text_of
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import People


def test_a_mail_arrives_as_it_was_written(mailing_app: Flask, mailbox: Mailbox) -> None:
    write()

    sent = send_mail()

    (arrived,) = mailbox.mails
    assert sent == 1
    assert text_of(arrived) == "Grüße from /reset/token\n"
    assert (parseaddr(arrived["From"])[1], arrived["To"]) == ("chat@candor.example", "alice@example.org")
    assert arrived["Message-ID"].endswith("@candor.example>")
    assert waiting() == []


def test_a_waiting_mail_can_be_read_by_nobody(mailing_app: Flask) -> None:
    write()

    (row,) = waiting()

    assert b"alice" not in row.sealed
    assert b"token" not in row.sealed


def test_a_mail_is_forgotten_with_the_transaction_that_wrote_it(mailing_app: Flask) -> None:
    mail.post("alice@example.org", "Hello", "text", account_id=None)
    db.session.rollback()

    assert waiting() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_console_shows_only_what_was_committed(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    mail.post("alice@example.org", "Never", "text", account_id=None)
    db.session.rollback()
    mail.post("alice@example.org", "Hello", "text", account_id=None)
    db.session.commit()

    shown = capsys.readouterr().out

    assert "Hello" in shown
    assert "Never" not in shown


def test_two_workers_send_a_mail_once(mailing_app: Flask, mailbox: Mailbox) -> None:
    for _one in range(5):
        write()
    barrier = threading.Barrier(3)

    def work() -> None:
        with mailing_app.app_context():
            barrier.wait()
            send_mail()

    workers = [threading.Thread(target=work) for _one in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert len(mailbox.mails) == 5
    assert waiting() == []


def test_a_mail_server_that_is_down_fails_no_page_and_tells_nothing(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(mail_url="smtp://127.0.0.1:1", chat_public_url="https://candor.example")
    client = app.test_client()
    assert isinstance(client, Browser)
    fields = {"email": "ana@example.org", "display_name": "Ana", "password": "a long password", "is_old_enough": "y"}

    response = client.submit("/register", fields, action="/register", follow=False)

    assert response.location == "/login"
    assert send_mail() == 0
    assert [row.attempts for row in waiting()] == [1]


def test_each_attempt_waits_longer_and_the_last_one_gives_up(
    mailing_app: Flask, mailbox: Mailbox, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.answer = "451 try again later"
    write()
    waits = []
    while waiting():
        send_mail()
        waits += [row.due_at - clock.now for row in waiting()]
        clock.advance(hours=4)  # the longest wait; in all it stays below the two days that a mail lives

    assert len(waits) == MOST_ATTEMPTS - 1
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits == sorted(waits)
    last = [record for record in caplog.records if record.name == "chat.accounts"][-1]
    assert (last.getMessage(), last.__dict__["code"]) == ("a mail was given up", 451)
    assert "alice" not in caplog.text


def test_a_mail_that_will_never_be_taken_is_not_tried_again(mailing_app: Flask, mailbox: Mailbox) -> None:
    mailbox.answer = "550 no such mailbox"
    write()

    send_mail()

    assert waiting() == []


def test_a_worker_that_died_leaves_the_mail_to_the_next(mailing_app: Flask, mailbox: Mailbox, clock: Clock) -> None:
    write()
    db.session.execute(sa.update(OutgoingMail).values(due_at=clock.now + timedelta(minutes=5), attempts=1))
    db.session.commit()
    at_once = send_mail()

    clock.advance(minutes=6)

    assert (at_once, send_mail()) == (0, 1)


def test_waiting_mail_goes_with_its_account(mailing_app: Flask, people: People) -> None:
    write(people.alice.id)

    db.session.delete(people.alice)
    db.session.commit()

    assert waiting() == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", ("smtp", 25, None, None, "no-reply@candor.example")),
        ("smtps://u%40x:p%2Fw@mail.example.org", ("smtps", 465, "u@x", "p/w", "no-reply@candor.example")),
        ("smtp+starttls://mail.example.org:2525?from=a@b.example", ("smtp+starttls", 2525, None, None, "a@b.example")),
    ],
)
def test_a_mail_url_says_where_and_how(url: str, expected: tuple[object, ...]) -> None:
    server = MailServer.at(url, public_url="https://candor.example")

    assert (server.scheme, server.port, server.user, server.password, server.sender) == expected
    assert "p/w" not in repr(server)


def write(account_id: int | None = None) -> None:
    mail.post("alice@example.org", "Hello", "Grüße from /reset/token", account_id=account_id)
    db.session.commit()


def waiting() -> list[OutgoingMail]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(OutgoingMail).execution_options(populate_existing=True)))
