"""The policy's versions: announced in time, in force by the clock, readable for ever."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.accounts.jobs import go_on_with_mailings, send_mail
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.kernel.db import db
from chat.kernel.notice import asks_again_since, notice_version
from chat.kernel.site import current_site
from chat.policy.difference import difference
from chat.policy.jobs import begin, compare
from chat.policy.publishing import live_policy
from chat.policy.versions import add_version, current_version, forget_headers, last_version, list_headers
from tests.accounts.mailbox import Mailbox, links_in, text_of
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import People
from tests.profiles import write_profile

NOTICE = timedelta(days=14)
MATERIAL = ("privacy", "publish", "--material", "--summary", "Request logs live 20 days instead of 30.")


@pytest.fixture
def mailbox() -> Any:
    box = Mailbox()
    box.start()
    yield box
    box.stop()


@pytest.fixture
def mailing_app(make_app: MakeApp, mailbox: Mailbox, clock: Clock) -> Flask:
    app = make_app(mail_url=mailbox.url, chat_public_url="https://candor.example")
    begin(app)
    return app


@pytest.fixture
def next_profile(tmp_path: Path) -> str:
    return str(write_profile(tmp_path / "next.toml", {"retention.request_logs": 20}))


def test_the_first_start_publishes_version_one(app: Flask) -> None:
    begin(app)
    begin(app)

    (version,) = list_headers()
    assert (version.number, version.is_material, version.hash) == (1, False, live_policy(current_site()).hash)
    assert "Version 1 of all versions" in browser(app).page("/privacy").text


def test_a_material_change_is_mailed_announced_and_then_in_force(
    mailing_app: Flask, mailbox: Mailbox, clock: Clock, next_profile: str
) -> None:
    alice = People(current_site().keyring).alice
    first = notice_version()

    output = run(mailing_app, *MATERIAL, "--profile", next_profile)
    go_on_with_mailings()
    send_mail()

    assert "Version 2 is published" in output
    (mail,) = mailbox.to(alice.email)
    assert "Request logs live 20 days" in text_of(mail)
    assert links_in(mail)[0] == "https://candor.example/privacy/versions/2/changes"
    assert mail["List-Unsubscribe"] is None
    visitor = browser(mailing_app)
    for path in ("/", "/login", "/privacy", "/providers", "/privacy/versions"):
        (banner,) = visitor.page(path).with_class("banner")
        assert "The privacy policy changes on" in banner.text
    changes = visitor.page("/privacy/versions/2/changes")
    assert any("Request logs: 30 days" in one.text for one in changes.all("del"))
    assert any("Request logs: 20 days" in one.text for one in changes.all("ins"))
    assert notice_version() == first
    clock.advance(days=13, hours=23)
    assert notice_version() == first
    clock.advance(hours=1)
    assert notice_version() != first
    assert not visitor.page("/login").with_class("banner")
    assert "Request logs: 20 days" in visitor.page("/privacy").text
    assert "Request logs: 30 days" in visitor.page("/privacy/versions/1").text


def test_a_minor_change_is_in_force_at_once_and_mailed_to_nobody(
    mailing_app: Flask, mailbox: Mailbox, next_profile: str
) -> None:
    assert People(current_site().keyring).alice

    run(mailing_app, "privacy", "publish", "--minor", "--summary", "A comma.", "--profile", next_profile)
    go_on_with_mailings()
    send_mail()

    assert mailbox.mails == []
    assert not browser(mailing_app).page("/login").with_class("banner")
    assert [one.number for one in list_headers()] == [2, 1]
    assert current_version(list_headers()[0].published_at) == list_headers()[0]


def test_a_consent_depends_on_the_change_it_is_named_with(mailing_app: Flask, clock: Clock, next_profile: str) -> None:
    announced = clock.now
    run(mailing_app, *MATERIAL, "--profile", next_profile, "--ask-again", "history")

    before = asks_again_since("history")
    clock.advance(days=15)

    assert before is None
    assert asks_again_since("history") == announced
    assert asks_again_since("improvement") is None


def test_a_consent_ends_on_the_day_and_counts_again_once_it_is_given_again(
    mailing_app: Flask, clock: Clock, next_profile: str
) -> None:
    alice = People(current_site().keyring).alice
    ledger.give(alice, Purpose.HISTORY, Source.SETTINGS, clock.now)
    db.session.commit()
    clock.advance(days=1)
    run(mailing_app, *MATERIAL, "--profile", next_profile)

    clock.advance(days=13)
    during = ledger.allows(alice, Purpose.HISTORY)
    clock.advance(days=1)
    after = ledger.allows(alice, Purpose.HISTORY)
    ledger.give(alice, Purpose.HISTORY, Source.SETTINGS, clock.now)

    assert (during, after, ledger.allows(alice, Purpose.HISTORY)) == (True, False, True)


def test_nothing_is_published_twice(mailing_app: Flask) -> None:
    result = mailing_app.test_cli_runner().invoke(args=MATERIAL)

    assert result.exit_code == 1
    assert "There is nothing to publish" in result.output


def test_a_site_that_runs_under_another_policy_says_so(
    mailing_app: Flask, clock: Clock, next_profile: str, caplog: pytest.LogCaptureFixture
) -> None:
    run(mailing_app, "privacy", "publish", "--minor", "--summary", "A comma.", "--profile", next_profile)

    status = mailing_app.test_cli_runner().invoke(args=["privacy", "status"])

    assert compare() == 0 or "another policy" in caplog.text
    assert status.exit_code == 1
    assert "How long it is kept" in status.output
    assert "of all versions" not in browser(mailing_app).page("/privacy").text


def test_status_is_quiet_when_all_is_well(mailing_app: Flask) -> None:
    status = mailing_app.test_cli_runner().invoke(args=["privacy", "status"])

    assert (status.exit_code, compare()) == (0, 0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_site_without_mail_says_that_nobody_was_mailed(app: Flask, next_profile: str) -> None:
    begin(app)

    assert "people learn of it by the banner alone" in run(app, *MATERIAL, "--profile", next_profile)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_summary_cannot_smuggle_markup(app: Flask, next_profile: str) -> None:
    begin(app)
    run(app, "privacy", "publish", "--material", "--summary", "<b>x</b><script>1</script>", "--profile", next_profile)

    assert "&lt;script&gt;" in browser(app).get("/login").text


acts = st.lists(st.tuples(st.booleans(), st.integers(min_value=0, max_value=20)), min_size=1, max_size=12)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts)
def test_no_material_change_is_ever_in_force_before_its_notice_is_over(app: Flask, chosen: list[tuple[bool, int]]) -> None:
    db.session.rollback()
    forget_headers()
    now = Clock().now
    add_version({"site": "A"}, "0", summary="First", is_material=False, notice=NOTICE, now=now)
    seen = 1
    for number, (is_material, days) in enumerate(chosen, start=1):
        add_version({"site": "A"}, str(number), summary="x", is_material=is_material, notice=NOTICE, now=now)
        now += timedelta(days=days)
        forget_headers()
        current = current_version(now)
        assert current is not None
        assert current.number >= seen, "an older version came back"
        seen = current.number
        carried = [one for one in list_headers() if one.number <= current.number and one.is_material]
        assert all(one.published_at + NOTICE <= now for one in carried)
    last = last_version()
    assert last is not None
    assert current_version(now + NOTICE) == last
    db.session.rollback()


def test_a_difference_names_the_sentences_that_change() -> None:
    promised = [{"title": "Logs", "promises": [{"words": "Logs live 30 days."}, {"words": "They hold no content."}]}]
    old = {"promises": promised, "cookies": {"kinds": ["essential"]}, "gone": "x"}
    new = {
        "promises": [{"title": "Logs", "promises": [{"words": "Logs live 20 days."}, {"words": "They hold no content."}]}],
        "cookies": {"kinds": ["essential"]},
        "subprocessors": [{"name": "Host", "region": "EU", "purpose": "runs it"}],
    }

    logs, subprocessors, gone = difference(old, new)

    assert (logs.title, logs.changes[0].gone, logs.changes[0].new) == ("Logs", ("Logs live 30 days.",), ("Logs live 20 days.",))
    assert len(logs.changes) == 1
    assert subprocessors.is_new
    assert subprocessors.changes[0].new == ("Host (EU): runs it",)
    assert gone.is_gone
    assert difference(old, old) == []


def run(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    db.session.rollback()
    return result.output


def browser(app: Flask) -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened
