"""What the operator says to everybody, and news for those who asked, with a way out that takes one click."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.jobs import go_on_with_mailings, send_mail
from chat.accounts.models import Account, AuditEntry, OutgoingMail
from chat.announcements.updates import token_of
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.models import ConsentEntry
from chat.consent.purposes import Purpose
from chat.kernel.db import db
from chat.kernel.site import current_site
from tests.accounts.mailbox import Mailbox, text_of
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import People, sign_in

NEWS = Purpose.PRODUCT_UPDATES


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.start()
    yield box
    box.stop()


@pytest.fixture
def mailing_app(make_app: MakeApp, mailbox: Mailbox, clock: Clock) -> Flask:
    return make_app(
        {"consents.offered": ["history", "product_updates"]}, mail_url=mailbox.url, chat_public_url="https://candor.example"
    )


@pytest.fixture
def letter(tmp_path: Path) -> str:
    path = tmp_path / "news.txt"
    path.write_text("There is a new model.\n", encoding="utf-8")
    return str(path)


def test_a_notice_is_on_every_page_with_a_way_to_delete_ones_account(app: Flask, client: Browser) -> None:
    output = run(app, "notices", "publish", "--title", "This site is sold", "--text", "<b>On 1 May</b> to Other Ltd.")

    for path in ("/", "/login", "/privacy"):
        (banner,) = client.page(path).with_class("banner")
        assert "This site is sold" in banner.text
        assert "<b>On 1 May</b>" in banner.text  # as text
        assert [link.get("href") for link in banner.all("a")] == ["/settings/delete"]
    assert not client.get("/nothing").text.count("This site is sold")  # error pages do without the database
    run(app, "notices", "withdraw", output.split()[-1])
    assert not client.page("/login").with_class("banner")
    acts = db.session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == ["notice published", "notice withdrawn"]


def test_a_notice_ends_with_its_day(app: Flask, client: Browser, clock: Clock) -> None:
    day = (clock.now).strftime("%Y-%m-%d")
    run(app, "notices", "publish", "--title", "Tonight", "--text", "The site rests.", "--until", day)
    shown = client.page("/login").with_class("banner")

    clock.advance(days=1)

    assert shown
    assert not client.page("/login").with_class("banner")


def test_a_notice_can_be_mailed_to_everybody(mailing_app: Flask, mailbox: Mailbox) -> None:
    people = People(current_site().keyring)
    told = sorted([people.alice.email, people.bob.email, people.ada.email])

    run(mailing_app, "notices", "publish", "--title", "Sold", "--text", "On 1 May.", "--mail")
    deliver()

    assert sorted(mail["To"] for mail in mailbox.mails) == told
    assert "https://candor.example/settings/delete" in text_of(mailbox.mails[0])
    assert mailbox.mails[0]["List-Unsubscribe"] is None  # essential


def test_news_go_to_those_whose_latest_word_is_yes(mailing_app: Flask, mailbox: Mailbox, letter: str, clock: Clock) -> None:
    people = People(current_site().keyring)
    for one in (people.alice, people.bob, people.charlie):
        ledger.give(one, NEWS, Source.SETTINGS, clock.now)
    ledger.withdraw(people.bob, NEWS, Source.SETTINGS, clock.now)
    people.charlie.frozen_at = clock.now
    db.session.commit()

    run(mailing_app, "updates", "send", "--subject", "News", "--text-file", letter)
    deliver()

    (mail,) = mailbox.mails
    assert mail["To"] == people.alice.email
    assert "There is a new model." in text_of(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<https://candor.example/news/unsubscribe/")
    assert "alice" not in mail["List-Unsubscribe"]


def test_one_click_by_a_mail_program_ends_the_news(mailing_app: Flask, mailbox: Mailbox, letter: str, clock: Clock) -> None:
    alice = subscriber(clock)
    run(mailing_app, "updates", "send", "--subject", "News", "--text-file", letter)
    deliver()
    link = urlsplit(mailbox.mails[0]["List-Unsubscribe"].strip("<>")).path

    answer = browser(mailing_app).post(link, data={"List-Unsubscribe": "One-Click"})
    again = browser(mailing_app).post(link, data={"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, again.status_code) == (200, 200)
    assert not ledger.allows(alice, NEWS)
    entries = db.session.scalars(sa.select(ConsentEntry.source).order_by(ConsentEntry.id)).all()
    assert entries == [Source.SETTINGS, Source.MAIL_LINK]
    run(mailing_app, "updates", "send", "--subject", "More", "--text-file", letter)
    deliver()
    assert len(mailbox.mails) == 1


def test_looking_at_the_link_changes_nothing_and_the_button_works(mailing_app: Flask, clock: Clock) -> None:
    alice = subscriber(clock)
    path = f"/news/unsubscribe/{token_of(alice.public_id, current_site().secret)}"
    visitor = browser(mailing_app)

    visitor.page(path)
    looked = ledger.allows(alice, NEWS)
    answer = visitor.submit(path, {})

    assert looked
    assert "You get no more news" in answer.text
    db.session.rollback()
    assert not ledger.allows(alice, NEWS)


def test_a_mail_that_waits_when_the_news_end_is_not_sent(
    mailing_app: Flask, mailbox: Mailbox, letter: str, clock: Clock
) -> None:
    alice = subscriber(clock)
    run(mailing_app, "updates", "send", "--subject", "News", "--text-file", letter)
    go_on_with_mailings()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(OutgoingMail)) == 1

    browser(mailing_app).post(f"/news/unsubscribe/{token_of(alice.public_id, current_site().secret)}")
    send_mail()

    assert mailbox.mails == []


@pytest.mark.parametrize("token", ["none", "AAAAAAAAAAAAAAAA.123", "ä.ö", "."])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_link_that_is_not_ours_opens_nothing(mailing_app: Flask, token: str) -> None:
    visitor = browser(mailing_app)

    assert visitor.get(f"/news/unsubscribe/{token}").status_code == 400
    assert visitor.post(f"/news/unsubscribe/{token}").status_code == 400


def test_somebody_elses_mark_does_not_fit(mailing_app: Flask, clock: Clock) -> None:
    alice = subscriber(clock)
    forged = f"{alice.public_id}.{token_of('AAAAAAAAAAAAAAAA', current_site().secret).partition('.')[2]}"

    assert browser(mailing_app).post(f"/news/unsubscribe/{forged}").status_code == 400
    assert ledger.allows(alice, NEWS)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_site_that_asks_nobody_sends_no_news(make_app: MakeApp, mailbox: Mailbox, letter: str) -> None:
    app = make_app(mail_url=mailbox.url, chat_public_url="https://candor.example")

    result = app.test_cli_runner().invoke(args=["updates", "send", "--subject", "News", "--text-file", letter])

    assert result.exit_code == 1
    assert "product_updates" in result.output


def test_the_news_are_off_until_somebody_switches_them_on(mailing_app: Flask) -> None:
    alice = People(current_site().keyring).alice

    page = sign_in(browser(mailing_app), alice).page("/settings/privacy")

    assert not ledger.allows(alice, NEWS)
    assert page.by_id("purpose-product_updates").text


def subscriber(clock: Clock) -> Account:
    alice = People(current_site().keyring).alice
    ledger.give(alice, NEWS, Source.SETTINGS, clock.now)
    db.session.commit()
    return alice


def deliver() -> None:
    go_on_with_mailings()
    send_mail()


def run(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    db.session.rollback()
    return result.output


def browser(app: Flask) -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened
