"""Mail to many people reaches each of them once, whatever happens on the way."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts import mailings, outbox
from chat.accounts.jobs import go_on_with_mailings, send_mail
from chat.accounts.mail import outbox_key, post
from chat.accounts.mailings import Kind, add_kind, plain_letter, write_mailing
from chat.accounts.models import Account, Mailing, OutgoingMail
from chat.accounts.service import create_account
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import current_site
from tests.accounts.mailbox import Mailbox

MANY = 7


@pytest.fixture
def crowd(mailing_app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of some accounts, dealt with three at a time."""
    monkeypatch.setattr(mailings, "BATCH", 3)
    add_kind(mailing_app, Kind(name="test", letter=plain_letter))
    return [create(f"person{number}@example.org") for number in range(MANY)]


def test_everybody_gets_it_once(crowd: list[str], mailbox: Mailbox) -> None:
    mailing = begin()

    written = go_on_with_mailings()
    again = go_on_with_mailings()

    assert (written, again, send_mail()) == (MANY, 0, MANY)
    assert sorted(mail["To"] for mail in mailbox.mails) == crowd
    db.session.refresh(mailing)
    assert mailing.count == MANY
    assert mailing.ended_at is not None


def test_a_crash_in_the_middle_leaves_nobody_out_and_repeats_nobody(
    crowd: list[str], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin()
    write, written = outbox.write, []

    def crashing(*arguments: Any, **more: Any) -> None:
        written.append(1)
        if len(written) == 5:  # in the middle of the second batch
            raise MemoryError
        write(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "write", crashing)
        with pytest.raises(MemoryError):
            go_on_with_mailings()
    db.session.rollback()  # as the end of the process does

    go_on_with_mailings()
    send_mail()

    assert sorted(mail["To"] for mail in mailbox.mails) == crowd


def test_a_batch_that_another_process_took_is_not_taken_again(crowd: list[str], mailing_app: Flask) -> None:
    row = begin().id
    with mailing_app.app_context():
        assert mailings.write_batch(row, outbox_key(), clock.now()) == 3
        db.session.commit()

    assert mailings.write_batch(row, outbox_key(), clock.now()) == 3
    db.session.commit()

    assert (
        sorted(db.session.scalars(sa.select(OutgoingMail.account_id))) == sorted(db.session.scalars(sa.select(Account.id)))[:6]
    )


def test_who_comes_later_is_not_written_to(crowd: list[str], mailbox: Mailbox) -> None:
    begin()
    create("late@example.org")

    go_on_with_mailings()
    send_mail()

    assert mailbox.to("late@example.org") == []
    assert len(mailbox.mails) == MANY


def test_mail_that_somebody_waits_for_overtakes_a_mailing(crowd: list[str], mailbox: Mailbox) -> None:
    begin()
    go_on_with_mailings()
    post("waiting@example.org", "A new password", "link", account_id=None)
    db.session.commit()

    send_mail()

    assert mailbox.mails[0]["To"] == "waiting@example.org"


def test_only_so_many_wait_in_the_outbox(crowd: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.accounts.jobs._MOST_OF_MAILINGS", 3)
    begin()

    assert (go_on_with_mailings(), go_on_with_mailings()) == (3, 0)


def test_neither_the_mailing_nor_the_log_names_anybody(crowd: list[str], caplog: pytest.LogCaptureFixture) -> None:
    begin()
    go_on_with_mailings()
    send_mail()

    rows = db.session.execute(sa.select(Mailing.__table__)).all()
    assert "example.org" not in str(rows) + caplog.text


def test_each_attempt_at_a_letter_carries_the_same_name(crowd: list[str], mailbox: Mailbox) -> None:
    post("a@example.org", "Hello", "text", account_id=None)
    db.session.commit()
    name = db.session.scalars(sa.select(OutgoingMail.public_id).where(OutgoingMail.mailing_id.is_(None))).one()

    send_mail()

    assert mailbox.mails[0]["Message-ID"] == f"<{name}@candor.example>"


def begin() -> Mailing:
    mailing = write_mailing("test", "News for all", "Some words.\n", clock.now())
    db.session.commit()
    return mailing


def create(email: str) -> str:
    create_account(current_site().keyring, email=email, display_name="P", password_hash=None, now=clock.now(), confirmed=True)
    db.session.commit()
    return email
