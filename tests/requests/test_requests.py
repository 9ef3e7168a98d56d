"""Requests to the operator: sealed, due by a day, read under record, answered, and taken back."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from chat.accounts import audit
from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.diagnostics.models import FailedExchange
from chat.kernel.db import db
from chat.requests.letters import Kind
from chat.requests.models import PersonRequest
from tests.browser import Browser, Page
from tests.chatting import Chat
from tests.conftest import Clock
from tests.people import People, sign_in

CANARY = "otters-behind-the-weir"
NEW = "/settings/requests/new"


def test_a_request_is_kept_sealed_with_its_due_date(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)

    _send(client, "deletion")

    (row,) = _rows()
    assert (row.account_id, row.kind, row.due_at - clock.now) == (people.alice.id, "deletion", timedelta(days=30))
    assert CANARY.encode() not in row.words.blob
    listing = client.page("/settings/requests")
    assert "Delete something about me" in listing.text
    assert "answer due by" in listing.text
    assert CANARY in client.page(f"/settings/requests/{row.public_id}").text


@pytest.mark.parametrize("kind", ["security", "child"])
def test_what_cannot_wait_is_due_in_two_days(client: Browser, people: People, clock: Clock, kind: str) -> None:
    _send(sign_in(client, people.alice), kind)

    assert _rows()[0].due_at - clock.now == timedelta(hours=48)


def test_every_kind_is_offered_and_no_other_is_taken(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    options = [one.get("value") for one in client.page(NEW).all("option")]

    refused = client.post(NEW, data={"csrf_token": client.csrf(NEW), "kind": "nonsense", "text": CANARY})

    assert options == [kind.value for kind in Kind]
    assert refused.status_code == 200
    assert _rows() == []


def test_an_overdue_request_is_shown_as_such_to_both(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    _send(sign_in(client, people.alice), "access")
    clock.advance(days=31)
    _send(sign_in(client, people.alice), "question")

    listed = _run(app, "list").output

    late, open_ = _rows()
    assert listed.index(late.public_id) < listed.index(open_.public_id)
    assert "OVERDUE" in listed.splitlines()[0]
    assert CANARY not in listed
    assert people.alice.email not in listed
    assert "overdue since" in client.page("/settings/requests").text


def test_the_operator_reads_under_record_and_the_person_sees_it(
    app: Flask, client: Browser, people: People, clock: Clock
) -> None:
    _send(sign_in(client, people.alice))
    (row,) = _rows()
    path = f"/settings/requests/{row.public_id}"
    before = client.page(path).text

    shown = _run(app, "show", row.public_id.lower()).output

    assert CANARY in shown
    assert "Nobody but you so far" in before
    assert "The operator, on" in client.page(path).text
    assert [one.act for one in audit.list_about(people.alice)] == ["request read"]


def test_a_terminal_obeys_nothing_that_a_request_says(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    _send(sign_in(client, people.alice), text=f"{CANARY}\r\n\x1b]0;owned\x07\u202e")

    shown = _run(app, "show", _rows()[0].public_id).output

    assert CANARY in shown
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(shown)
    assert f"{CANARY}\n�]0;owned��\n" in shown


def test_the_answer_is_mailed_and_stands_beside_the_request(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    _send(sign_in(client, people.alice))
    (row,) = _rows()
    clock.advance(hours=2)

    said = _run(app, "answer", row.public_id, "--text-stdin", given="The weir is safe.").output

    assert f"mail to {people.alice.email}" in said
    assert said.endswith("Answered 1 request.\n")
    (row,) = _rows()
    assert row.answer is not None
    assert b"weir is safe" not in row.answer.blob
    page = client.page(f"/settings/requests/{row.public_id}").text
    assert "The weir is safe." in page
    assert "answered on" in page
    assert _run(app, "list").output == "0 requests.\n"


def test_an_empty_answer_and_an_unknown_reference_are_refused(
    app: Flask, client: Browser, people: People, clock: Clock
) -> None:
    _send(sign_in(client, people.alice))

    assert _run(app, "answer", _rows()[0].public_id, "--text-stdin", given="  ", fails=True).exit_code == 1
    assert _run(app, "show", "NONSENSE", fails=True).exit_code == 1
    assert audit.list_about(people.alice) == []


def test_a_request_is_taken_back_by_its_owner_alone(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    _send(sign_in(client, people.alice))
    path = f"/settings/requests/{_rows()[0].public_id}"
    for other in (people.bob, people.ada):
        walker: Any = sign_in(app.test_client(), other)  # type: ignore[arg-type]  # the app's clients are Browsers
        assert walker.get(path).status_code == 404
        assert walker.post(f"{path}/take-back", data={"csrf_token": walker.csrf()}).status_code == 404
    kept = len(_rows())

    client.submit(path, action="/take-back")

    assert (kept, _rows()) == (1, [])


def test_it_goes_with_the_account_and_when_its_time_is_up(client: Browser, people: People, clock: Clock) -> None:
    _send(sign_in(client, people.alice))
    path = f"/settings/requests/{_rows()[0].public_id}"

    clock.advance(days=30 + 365)
    after = sign_in(client, people.alice).get(path).status_code
    db.session.execute(sa.delete(Account).where(Account.id == people.alice.id))
    db.session.commit()

    assert after == 404
    assert db.session.execute(sa.text("SELECT count(*) FROM person_request")).scalar() == 0


def test_a_guest_asks_without_an_account(app: Flask, client: Browser, clock: Clock) -> None:
    fields = {"kind": "child", "email": "eve@example.net", "text": CANARY}

    page = Page(client.submit("/privacy/request", fields).get_data(as_text=True))

    (row,) = _rows()
    assert row.account_id is None
    assert row.public_id in page.text
    assert CANARY.encode() not in row.words.blob
    assert b"eve@example.net" not in row.words.blob
    shown = _run(app, "show", row.public_id).output
    assert CANARY in shown
    assert "eve@example.net" in shown
    assert "mail to eve@example.net" in _run(app, "answer", row.public_id, "--text-stdin", given="Deleted.").output


def test_a_guest_asks_a_few_times_an_hour(client: Browser, clock: Clock) -> None:
    fields = {"kind": "question", "email": "eve@example.net", "text": CANARY}

    statuses = [client.submit("/privacy/request", fields).status_code for _ in range(6)]

    assert statuses == [200] * 5 + [429]
    assert len(_rows()) == 5


@pytest.mark.parametrize("email", ["", "nonsense", "a@b\nBcc: c@example.org"])
def test_a_guest_leaves_an_address_that_can_be_answered(client: Browser, clock: Clock, email: str) -> None:
    client.submit("/privacy/request", {"kind": "question", "email": email, "text": CANARY})

    assert _rows() == []


def test_whoever_is_signed_in_is_led_to_their_own_page(client: Browser, people: People) -> None:
    response = sign_in(client, people.alice).get("/privacy/request?kind=child")

    assert response.location == f"{NEW}?kind=child"


def test_a_failed_answer_is_attached_as_a_copy(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    ledger.give(people.alice, Purpose.DIAGNOSTICS, Source.SETTINGS, clock.now)
    db.session.commit()
    Chat(sign_in(client, people.alice)).send("what-failed", model="cut")
    failed = db.session.scalars(sa.select(FailedExchange)).one().public_id

    _send(client, path=f"{NEW}?about={failed}")
    client.submit(f"/settings/diagnostics/{failed}", action="/remove")
    shown = _run(app, "show", _rows()[0].public_id).output

    assert "what-failed" in shown
    assert "provider_cut" in shown


def test_a_failed_answer_is_attached_only_if_it_is_ticked_and_ones_own(
    app: Flask, client: Browser, people: People, clock: Clock
) -> None:
    ledger.give(people.alice, Purpose.DIAGNOSTICS, Source.SETTINGS, clock.now)
    db.session.commit()
    Chat(sign_in(client, people.alice)).send("what-failed", model="cut")
    failed = db.session.scalars(sa.select(FailedExchange)).one().public_id
    other: Any = sign_in(app.test_client(), people.bob)  # type: ignore[arg-type]

    client.submit(f"{NEW}?about={failed}", {"kind": "support", "text": CANARY, "attach": None}, action=NEW)
    stolen = other.submit(f"{NEW}?about={failed}", {"kind": "support", "text": CANARY}, action=NEW)

    assert stolen.status_code == 404
    (row,) = _rows()
    assert "what-failed" not in _run(app, "show", row.public_id).output


def test_a_monitor_sees_counts_alone(client: Browser, people: People, clock: Clock) -> None:
    _send(sign_in(client, people.alice), "access")
    clock.advance(days=31)
    _send(sign_in(client, people.alice), "question")

    shown = client.get("/metrics").get_data(as_text=True)

    assert "candor_requests_open 2.0" in shown
    assert "candor_requests_overdue 1.0" in shown
    assert CANARY not in shown


def _send(client: Browser, kind: str = "question", *, text: str = CANARY, path: str = NEW) -> None:
    response = client.submit(path, {"kind": kind, "text": text}, action=NEW, follow=False)
    assert response.status_code == 303, response.get_data(as_text=True)


def _run(app: Flask, *args: str, given: str = "", fails: bool = False) -> Result:
    result = app.test_cli_runner().invoke(args=["requests", *args], input=given)
    db.session.rollback()
    assert fails or result.exit_code == 0, result.output
    return result


def _rows() -> list[PersonRequest]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(PersonRequest).order_by(PersonRequest.id)))
