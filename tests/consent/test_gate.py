"""The gate: no content without a permit, no permit without a yes, and nothing opens where it does not belong."""

import threading
import time

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import StatementError

from chat.accounts.models import Account
from chat.consent import gate, ledger
from chat.consent.gate import CannotRead, Letter, NotPermitted, Place, Reader
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.sealed import Sealed
from chat.kernel.site import Site
from tests.people import People

HERE = Place("turn", "body", "one")


def test_a_permit_for_a_letter_opens_no_other_table(people: People, site: Site) -> None:
    permits = [
        gate.accept(people.alice, Letter.REQUEST, site.keyring),
        gate.accept_from_guest(Letter.REQUEST, site.page_key),
    ]

    for permit in permits:
        for table in ("turn", "conversation", "feedback", "failed_exchange"):
            with pytest.raises(NotPermitted):
                gate.seal(permit, Place(table, "body", "x"), b"words")
        assert gate.seal(permit, Place("person_request", "words", "x"), b"words")


def test_without_consent_there_is_no_permit(people: People, site: Site) -> None:
    with pytest.raises(NotPermitted):
        gate.issue(people.alice, Purpose.HISTORY, site.keyring)


def test_after_withdrawal_there_is_no_permit(people: People, site: Site) -> None:
    _give(people.alice)
    gate.issue(people.alice, Purpose.HISTORY, site.keyring)
    ledger.withdraw(people.alice, Purpose.HISTORY, Source.SETTINGS, clock.now())

    with pytest.raises(NotPermitted):
        gate.issue(people.alice, Purpose.HISTORY, site.keyring)


def test_what_was_sealed_opens_for_its_owner_in_its_place(people: People, site: Site) -> None:
    sealed = _sealed(people.alice, site)

    assert Reader(people.alice, site.keyring).open(HERE, sealed) == b"content"
    assert b"content" not in sealed.blob


@pytest.mark.parametrize(
    "place", [Place("turn", "body", "two"), Place("turn", "title", "one"), Place("conversation", "body", "one")]
)
def test_content_moved_to_another_place_does_not_open(people: People, site: Site, place: Place) -> None:
    sealed = _sealed(people.alice, site)

    with pytest.raises(CannotRead):
        Reader(people.alice, site.keyring).open(place, sealed)


def test_content_moved_to_another_account_does_not_open(people: People, site: Site) -> None:
    sealed = _sealed(people.alice, site)

    with pytest.raises(CannotRead):
        Reader(people.bob, site.keyring).open(HERE, sealed)


@pytest.mark.parametrize("at", [0, 12, -1])
def test_altered_content_does_not_open(people: People, site: Site, at: int) -> None:
    blob = bytearray(_sealed(people.alice, site).blob)
    blob[at] ^= 1

    for altered in (bytes(blob), bytes(blob[:5]), b""):
        with pytest.raises(CannotRead):
            Reader(people.alice, site.keyring).open(HERE, Sealed(altered))


def test_a_destroyed_key_is_not_made_anew(people: People, site: Site) -> None:
    _give(people.alice)
    site.keyring.destroy(people.alice.public_id)

    with pytest.raises(CannotRead):
        gate.issue(people.alice, Purpose.HISTORY, site.keyring)
    with pytest.raises(CannotRead):
        Reader(people.alice, site.keyring)


@pytest.mark.parametrize("plain", ["a plain string", b"plain bytes"])
def test_the_database_takes_no_plain_content(people: People, plain: object) -> None:
    now = clock.now()
    row = {"public_id": "x", "account_id": people.alice.id, "created_at": now, "updated_at": now, "expires_at": now}

    with pytest.raises((StatementError, TypeError)):
        db.session.execute(sa.insert(Conversation).values(**row, pinned=False, model="echo", title=plain))

    db.session.rollback()
    assert db.session.query(Conversation).count() == 0


def test_a_withdrawal_waits_for_what_is_being_stored(app: Flask, people: People, site: Site) -> None:
    _give(people.alice)
    db.session.commit()
    alice, done = people.alice.id, threading.Event()
    gate.issue(people.alice, Purpose.HISTORY, site.keyring)

    def withdraw() -> None:
        with app.app_context():
            ledger.withdraw(db.session.get_one(Account, alice), Purpose.HISTORY, Source.SETTINGS, clock.now())
            db.session.commit()
        done.set()

    thread = threading.Thread(target=withdraw)
    thread.start()
    time.sleep(0.3)
    waited = not done.is_set()
    db.session.commit()
    thread.join(10)

    assert waited
    assert not ledger.allows(people.alice, Purpose.HISTORY)


def _give(account: Account) -> None:
    ledger.give(account, Purpose.HISTORY, Source.SETTINGS, clock.now())


def _sealed(account: Account, site: Site) -> Sealed:
    _give(account)
    return gate.seal(gate.issue(account, Purpose.HISTORY, site.keyring), HERE, b"content")
