"""Objecting: recorded, at once, for what needs consent and for what rests on an interest; who objects is left out."""

import pytest
import sqlalchemy as sa

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.ledger import Source, State
from chat.consent.purposes import Interest, Purpose
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import Refused
from tests.browser import Browser
from tests.conftest import MakeApp
from tests.people import People, sign_in

STATISTICS = Interest.STATISTICS


def test_nobody_objects_before_they_said_so(people: People) -> None:
    assert not ledger.objects(people.alice, STATISTICS)
    assert _left_out() == set()


def test_who_objects_is_left_out_until_they_take_it_back(people: People) -> None:
    _object(people.alice)
    _object(people.bob)
    ledger.take_back(people.bob, STATISTICS, clock.now())

    assert _left_out() == {people.alice.id}
    assert [one.given for one in ledger.list_entries(people.bob)] == [False, True]
    assert ledger.find_break(people.bob) is None


def test_objecting_twice_is_recorded_once(people: People) -> None:
    _object(people.alice)
    _object(people.alice)

    assert len(ledger.list_entries(people.alice)) == 1


def test_an_objection_ends_a_consent_and_a_new_yes_ends_the_objection(people: People) -> None:
    ledger.give(people.alice, Purpose.IMPROVEMENT, Source.SETTINGS, clock.now())
    ledger.object_to(people.alice, Purpose.IMPROVEMENT, Source.OBJECTION, clock.now())
    objected = ledger.state(people.alice, Purpose.IMPROVEMENT)
    ledger.give(people.alice, Purpose.IMPROVEMENT, Source.SETTINGS, clock.now())

    assert objected is State.OBJECTED
    assert ledger.allows(people.alice, Purpose.IMPROVEMENT)
    assert set(db.session.scalars(ledger.select_objectors(Purpose.IMPROVEMENT))) == set()


def test_a_frozen_account_gives_nothing_and_may_still_say_no(people: People) -> None:
    ledger.give(people.alice, Purpose.HISTORY, Source.SETTINGS, clock.now())
    people.alice.frozen_at = clock.now()
    db.session.flush()

    with pytest.raises(Refused):
        ledger.give(people.alice, Purpose.IMPROVEMENT, Source.SETTINGS, clock.now())
    assert not ledger.allows(people.alice, Purpose.HISTORY)
    assert ledger.withdraw(people.alice, Purpose.HISTORY, Source.SETTINGS, clock.now()) is not None
    assert ledger.object_to(people.alice, STATISTICS, Source.OBJECTION, clock.now()) is not None
    with pytest.raises(Refused):
        ledger.take_back(people.alice, STATISTICS, clock.now())


def test_a_freeze_by_another_request_is_seen_at_the_moment_of_writing(people: People) -> None:
    ledger.give(people.alice, Purpose.HISTORY, Source.SETTINGS, clock.now())
    db.session.commit()
    known = people.alice.frozen_at
    db.session.execute(sa.text("UPDATE account SET frozen_at = '2026-01-01 00:00:00'"))

    assert known is None
    assert not ledger.holds(people.alice, Purpose.HISTORY)


def test_the_settings_have_a_switch_for_each_objection(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    client.submit("/settings/privacy", action="/statistics/object")
    objected = client.page("/settings/privacy")
    client.submit("/settings/privacy", action="/statistics/take-back")

    assert "You object since" in objected.text
    assert [(one.purpose, one.given, one.source) for one in ledger.list_entries(people.alice)] == [
        ("statistics", False, "objection"),
        ("statistics", True, "settings"),
    ]


@pytest.mark.parametrize("path", ["history/object", "nonsense/object", "history/take-back", "statistics/give"])
def test_what_is_off_unless_switched_on_knows_no_objection(client: Browser, people: People, path: str) -> None:
    token = sign_in(client, people.alice).csrf("/")

    assert client.post(f"/settings/privacy/{path}", data={"csrf_token": token}).status_code == 404
    assert ledger.list_entries(people.alice) == []


def test_a_browser_that_objects_is_told_and_cannot_be_counted(make_app: MakeApp) -> None:
    app = make_app(
        {
            "consents.offered": ["history", "analytics"],
            "cookies.kinds": ["essential", "analytics"],
            "cookies.analytics": True,
        }
    )
    client = app.test_client()
    assert isinstance(client, Browser)
    people = People(app.extensions["candor"].keyring)
    token = sign_in(client, people.alice).csrf("/")

    page = client.page("/settings/privacy", headers={"Sec-GPC": "1"})
    answer = client.post("/settings/privacy/analytics/give", data={"csrf_token": token}, headers={"Sec-GPC": "1"})

    assert "Your browser sends Global Privacy Control" in page.text
    assert answer.status_code == 403
    assert not ledger.allows(people.alice, Purpose.ANALYTICS)


def _object(account: Account) -> None:
    ledger.object_to(account, STATISTICS, Source.OBJECTION, clock.now())


def _left_out() -> set[int]:
    return set(db.session.scalars(ledger.select_objectors(STATISTICS)))
