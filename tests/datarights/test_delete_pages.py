"""Deleting by the settings' pages, as a browser without JavaScript does it."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from chat.accounts.models import Account, AuditEntry, OutgoingMail
from chat.datarights.jobs import erase_what_is_due
from chat.datarights.models_erase import Erasure
from chat.kernel.db import db
from chat.kernel.personal_data import current_stores
from chat.kernel.signing import check
from chat.kernel.site import Site
from tests.browser import Browser, Page
from tests.chatting import Chat, app, fake, turn_history_on
from tests.conftest import Clock, MakeApp
from tests.datarights.seeding import counts, places_of, seed
from tests.people import People, sign_in

__all__ = ["app", "fake"]  # fixtures
ACCOUNT, EVERYTHING = "/settings/delete/account", "/settings/delete/everything"


def test_an_account_goes_at_once_and_its_certificate_is_shown(app: Flask, client: Browser, people: People, site: Site) -> None:
    sign_in(client, people.alice)
    seed(current_stores(), people.alice)
    number, public_id = people.alice.id, people.alice.public_id

    answer = client.submit(ACCOUNT, {"confirmation": "Alice@example.org ", "when": "now"})

    page = Page(answer.text)
    assert page.first("h1").text == "Your account is erased"
    document = _downloaded(page)
    assert check(document, site.signing.public())
    assert {"what": "Account", "rows": 1} in document["removed"]
    db.session.rollback()
    assert places_of(current_stores(), number, public_id) == []
    assert not site.keyring.holds(public_id)
    assert client.get_cookie("candor") is None
    again = client.page(f"/erased/{document['number']}")
    assert _downloaded(again) == document


def test_a_confirmation_that_is_another_word_deletes_nothing(app: Flask, client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    for path, more in ((ACCOUNT, {"when": "now"}), (EVERYTHING, {})):
        answer = client.submit(path, {"confirmation": "bob@example.org", **more})
        assert answer.status_code == 422
        assert "Nothing was deleted." in answer.text
        assert client.submit(path, {"confirmation": "", **more}).status_code == 422

    assert not db.session.scalars(sa.select(Erasure)).all()
    assert client.page("/settings/delete").first("h1").text == "Delete"


def test_deleting_asks_for_a_recent_sign_in(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    form = {"csrf_token": client.csrf("/settings/delete"), "confirmation": "alice@example.org", "when": "now"}
    with client.session_transaction() as session:
        session["fs_paa"] -= 3600

    for path in (ACCOUNT, EVERYTHING):
        answer = client.post(path, data=form)
        assert answer.status_code == 302
        assert "/verify" in answer.location

    assert not db.session.scalars(sa.select(Erasure)).all()


def test_a_closing_account_can_be_kept_by_one_button_and_do_nothing_else(
    app: Flask, client: Browser, people: People, clock: Clock
) -> None:
    sign_in(client, people.alice)
    other = sign_in(app.test_client(), people.alice)  # type: ignore[arg-type]  # the app's clients are Browsers
    seed(current_stores(), people.alice)
    before = counts(current_stores(), people.alice.id)

    answer = client.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "later"})

    assert "will be erased" in Page(answer.text).first("h1").text
    assert other.get("/settings/security").location.startswith("/login")
    clock.advance(days=28)
    sign_in(client, people.alice)
    for path in ("/", "/settings/privacy", "/history", "/settings/delete", "/settings/security/password"):
        assert client.get(path).location == "/settings/closing", path
    token = client.csrf("/settings/closing")
    for path in ("/settings/privacy/history/give", "/chat/send", "/chat/send/stream"):
        assert client.post(path, data={"csrf_token": token}).location == "/settings/closing", path
    assert client.get("/privacy").status_code == 200
    assert erase_what_is_due() == 0
    client.submit("/settings/closing", action="/settings/closing/cancel")
    assert client.page("/settings/security").first("h1").text == "Security"
    after = counts(current_stores(), people.alice.id)
    assert {**after, "device": 0} == {**before, "device": 0}
    clock.advance(days=3)
    assert erase_what_is_due() == 0
    assert not db.session.scalars(sa.select(Erasure)).all()


def test_after_the_grace_the_account_is_gone_within_the_promised_days(
    app: Flask, client: Browser, people: People, site: Site, clock: Clock
) -> None:
    sign_in(client, people.alice)
    number, public_id = people.alice.id, people.alice.public_id
    page = Page(client.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "later"}).text)
    address = next(one.get("href") for one in page.all("a") if "/erased/" in one.get("href"))
    assert client.get(address).status_code == 202
    asked = clock.now

    clock.advance(days=29, seconds=1)
    assert erase_what_is_due() == 1

    db.session.rollback()
    assert places_of(current_stores(), number, public_id) == []
    document = _downloaded(client.page(address))
    assert document["asked_at"] == asked.isoformat()
    assert document["ended_at"] == clock.now.isoformat()


def test_who_is_closing_may_also_go_at_once(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    client.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "later"})
    sign_in(client, people.alice)

    answer = client.submit(ACCOUNT, {"confirmation": "alice@example.org"})

    assert Page(answer.text).first("h1").text == "Your account is erased"
    assert [one.email for one in db.session.scalars(sa.select(Account))] == ["ada@example.org"]


def test_a_site_that_promises_no_delay_offers_none(make_app: MakeApp) -> None:
    app = make_app({"retention.deleted_accounts": 0})
    client: Any = app.test_client()
    people = People(app.extensions["candor"].keyring)
    sign_in(client, people.alice)

    answer = client.submit(ACCOUNT, {"confirmation": "alice@example.org"})

    assert Page(answer.text).first("h1").text == "Your account is erased"


def test_everything_goes_and_the_person_stays(app: Flask, client: Browser, people: People, site: Site) -> None:
    turn_history_on(sign_in(client, people.alice))
    Chat(client).send("something to forget")

    answer = client.submit(EVERYTHING, {"confirmation": "alice@example.org"})

    assert Page(answer.text).first("h1").text == "What you kept here is erased"
    assert {"what": "Saved conversations", "rows": 1} in _downloaded(Page(answer.text))["removed"]
    assert "something to forget" not in client.get("/history").text
    saved = Chat(client).send("something new")
    assert saved.storage == "saved"
    assert "something new" in client.get(f"/c/{saved.conversation}").text


def test_erasing_while_an_answer_arrives_leaves_nothing(app: Flask, client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    second = sign_in(app.test_client(), people.alice)  # type: ignore[arg-type]
    number, public_id = people.alice.id, people.alice.public_id
    stream = Chat(client).stream(text="tell me slowly", model="slow")
    stream.until("text")

    answer = second.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "now"})
    stream.all()

    assert Page(answer.text).first("h1").text == "Your account is erased"
    db.session.rollback()
    assert places_of(current_stores(), number, public_id) == []


def test_a_page_of_an_erased_account_opens_nowhere_any_more(app: Flask, client: Browser, people: People) -> None:
    elsewhere = Chat(sign_in(app.test_client(), people.alice)).send("a secret in this page alone")  # type: ignore[arg-type]
    assert elsewhere.storage == "not_stored"

    sign_in(client, people.alice)
    client.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "now"})

    assert "a secret" not in elsewhere.send("Go on").page.text
    assert elsewhere.status == 409


def test_a_failure_is_told_recorded_and_mended_by_the_job(
    app: Flask, client: Browser, people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, people.alice)
    with monkeypatch.context() as patch:
        patch.setattr(site.keyring, "bury", lambda _account, _today: None)
        answer = client.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "now"})
    assert answer.status_code == 202
    assert "Not erased yet" in answer.text
    page = Page(answer.text)
    address = next(one.get("href") for one in page.all("a") if "/erased/" in one.get("href"))
    assert db.session.scalars(sa.select(Erasure)).one().attempts == 1

    assert erase_what_is_due() == 1

    assert client.page(address).first("h1").text == "Your account is erased"


def test_the_certificate_is_mailed_where_the_site_sends_mail(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(mail_url="smtp://127.0.0.1:1", chat_public_url="http://127.0.0.1:5000")
    client: Any = app.test_client()
    people = People(app.extensions["candor"].keyring)
    sign_in(client, people.alice)

    client.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "later"})
    (notice,) = db.session.scalars(sa.select(OutgoingMail)).all()
    assert notice.account_id == people.alice.id
    clock.advance(days=30)
    erase_what_is_due()

    db.session.expire_all()
    (letter,) = db.session.scalars(sa.select(OutgoingMail)).all()
    assert letter.account_id is None
    assert db.session.scalars(sa.select(Erasure)).one().address is None


def test_the_only_operator_is_warned_and_may_go(app: Flask, client: Browser, people: People) -> None:
    sign_in(client, people.ada)
    assert people.bob

    assert "Nobody else runs this site" in client.page(ACCOUNT).text
    answer = client.submit(ACCOUNT, {"confirmation": "ada@example.org", "when": "now"})

    assert Page(answer.text).first("h1").text == "Your account is erased"


def test_the_operator_erases_an_account_by_a_command_that_is_recorded(
    app: Flask, people: People, site: Site, tmp_path: Path
) -> None:
    seed(current_stores(), people.alice)
    number, public_id, bob = people.alice.id, people.alice.public_id, people.bob.public_id
    refused = _command(app, "accounts", "erase", "alice@example.org", "--reason", "asked by alice@example.org")
    assert refused.exit_code == 2
    assert "outlives the account" in refused.output

    done = _command(
        app, "accounts", "erase", "alice@example.org", "--reason", "a child of eleven", "--out", str(tmp_path / "c")
    )
    other = _command(app, "accounts", "erase", bob, "--reason", "closed by a court")

    assert (done.exit_code, other.exit_code) == (0, 0)
    assert check(json.loads((tmp_path / "c").read_text()), site.signing.public())
    db.session.rollback()
    assert places_of(current_stores(), number, public_id) == []
    entries = db.session.execute(sa.select(AuditEntry.act, AuditEntry.reason, AuditEntry.account_id))
    assert ("erase account", "a child of eleven", None) in [tuple(one) for one in entries]
    assert _command(app, "accounts", "erase", "nobody@example.org", "--reason", "x").exit_code == 1
    assert "create" in _command(app, "accounts", "--help").output


def test_a_certificate_that_does_not_exist_is_not_found(client: Browser) -> None:
    assert client.get("/erased/AAAAAAAAAAAAAAAA").status_code == 404


def _downloaded(page: Page) -> Any:
    link = next(one for one in page.all("a") if one.get("download").startswith("certificate"))
    found = re.fullmatch(r"data:application/json;base64,(.+)", link.get("href"))
    assert found
    return json.loads(b64decode(found[1]))


def _command(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def test_monitors_see_what_is_not_erased_and_for_how_long(
    app: Flask, client: Browser, people: People, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, people.alice)
    with monkeypatch.context() as patch:
        patch.setattr(site.keyring, "bury", lambda _account, _today: None)
        client.submit(ACCOUNT, {"confirmation": "alice@example.org", "when": "now"})
    clock.advance(hours=2)

    late = client.get("/metrics").text
    erase_what_is_due()
    done = client.get("/metrics").text

    assert "candor_erasures_failing 1.0" in late
    assert "candor_erasures_late_seconds 7200.0" in late
    assert "candor_erasures_unfinished 0.0" in done
    assert "candor_erasures_late_seconds 0.0" in done
