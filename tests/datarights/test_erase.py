"""Erasing reaches every declared table, resumes after a crash at any step, and says so only when it has read back."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chat.accounts import audit
from chat.accounts.models import Account
from chat.consent import gate, ledger
from chat.consent.gate import CannotRead
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.datarights import erase
from chat.datarights.erase import Ground, NotErased
from chat.datarights.jobs import carry_out, erase_what_is_due, steps
from chat.datarights.models_erase import Erasure, Scope, State
from chat.features import FEATURES
from chat.kernel import clock as kernel_clock
from chat.kernel.crypto import CannotOpen
from chat.kernel.db import Base, db
from chat.kernel.personal_data import Basis, Store, current_stores, mount_stores
from chat.kernel.signing import NotAuthentic, check
from chat.kernel.site import Site
from tests.conftest import Clock
from tests.datarights.seeding import counts, places_of, seed
from tests.people import People

# One step for each kind of row, one that looks and one each for the account's own row, the key, and reading back.
SOME_STEPS = range(sum(store.owner is not None for feature in FEATURES for store in feature.stores) + 2)


def test_nothing_leads_to_an_erased_account_and_everybody_elses_rows_are_there(app: Flask, people: People, site: Site) -> None:
    stores, alice, bob = current_stores(), people.alice, people.bob
    for _time in range(2):
        seed(stores, alice)
        seed(stores, bob)
    number, public_id, before = alice.id, alice.public_id, counts(stores, bob.id)
    hers = counts(stores, number)
    assert all(hers.values())
    assert before == hers

    certificate = carry_out(_begin(alice))

    db.session.rollback()
    assert places_of(stores, number, public_id, tables=Base.metadata.sorted_tables) == []
    assert counts(stores, bob.id) == before
    removed = {one["what"]: one["rows"] for one in certificate["removed"] + certificate["stays"]}
    titles = {store.title: hers[store.model.__tablename__] for store in stores if store.owner is not None}
    assert removed == titles
    assert db.session.scalars(sa.select(Erasure)).one().state == State.DONE


def test_rows_that_must_stay_are_about_nobody_then(app: Flask, people: People, site: Site) -> None:
    entry = audit.record("look into a fault", reason="a report by the person", now=kernel_clock.now(), about=people.alice)
    acted = audit.record("purge", reason="routine", now=kernel_clock.now(), by=people.alice.public_id)
    db.session.commit()

    certificate = carry_out(_begin(people.alice))

    db.session.expire_all()
    assert entry.account_id is None
    assert entry.reason == "a report by the person"
    assert acted.by == "an erased account"
    (stays,) = certificate["stays"]
    assert stays["rows"] == 2
    assert "answer for" in stays["why"]
    assert stays["until"] == "as long as this site exists"


def test_a_table_that_is_declared_later_is_covered_without_a_change(app: Flask, people: People, site: Site) -> None:
    class Later(DeclarativeBase):
        pass

    class Note(Later):
        __tablename__ = "later_note"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner: Mapped[int]
        text: Mapped[str] = mapped_column(sa.String(40))

    Later.metadata.create_all(db.engine)
    store = Store(
        model=Note,  # type: ignore[arg-type]  # with tables of its own, or every other test would have to know it
        title="Notes", holds="what you noted down", why="to remember it", basis=Basis.CONTRACT, owner=Note.owner,
    )  # fmt: skip
    mount_stores(app, (*current_stores(), store))
    for person in (people.alice, people.bob):
        db.session.execute(sa.insert(Note).values(owner=person.id, text="a note"))
    db.session.commit()
    bob = people.bob.id

    certificate = carry_out(_begin(people.alice))

    assert list(db.session.scalars(sa.select(Note.owner))) == [bob]
    assert {"what": "Notes", "rows": 1} in certificate["removed"]


def test_what_is_past_its_time_and_still_there_goes_too(app: Flask, people: People, site: Site, clock: Clock) -> None:
    stores = current_stores()
    seed(stores, people.alice)
    number, public_id = people.alice.id, people.alice.public_id
    clock.advance(days=5000)

    certificate = carry_out(_begin(people.alice))

    db.session.rollback()
    assert places_of(stores, number, public_id, tables=Base.metadata.sorted_tables) == []
    assert len(certificate["removed"] + certificate["stays"]) == sum(store.owner is not None for store in stores)


@pytest.mark.parametrize("committed", SOME_STEPS)
def test_a_crash_after_any_step_is_resumed_by_the_job(app: Flask, people: People, site: Site, committed: int) -> None:
    stores, alice, bob = current_stores(), people.alice, people.bob
    seed(stores, alice)
    seed(stores, bob)
    number, public_id, bobs, before = alice.id, alice.public_id, bob.id, counts(stores, bob.id)
    hers = {store.title: 1 for store in stores if store.owner is not None}
    reference = _begin(alice)
    for _step in _first(committed, steps(reference, _ground(site), site)):
        db.session.commit()
    # The step under way when it crashes leaves nothing behind but what it did to the keyring.
    db.session.rollback()
    db.session.remove()
    with pytest.raises(Exception, match="not erased yet"):
        erase.get_certificate(erase.get_erasure(reference), site.signing)

    erase_what_is_due()

    db.session.rollback()
    assert places_of(stores, number, public_id, tables=Base.metadata.sorted_tables) == []
    assert counts(stores, bobs) == before
    done = erase.get_erasure(reference)
    assert done.state == State.DONE
    assert {**done.removed, **done.kept} == hers
    assert not site.keyring.holds(public_id)


def test_enough_crashes_are_tried(app: Flask, people: People, site: Site) -> None:
    """The numbers above reach the last step, whatever tables there are by now."""
    seed(current_stores(), people.alice)
    reference = _begin(people.alice)

    taken = 0
    for _state in steps(reference, _ground(site), site):
        db.session.commit()
        taken += 1

    assert taken == len(SOME_STEPS) + 1  # after the last one there is nothing left to resume


def test_what_was_written_is_unreadable_in_an_old_backup(app: Flask, people: People, site: Site) -> None:
    alice = people.alice
    ledger.give(alice, Purpose.HISTORY, Source.SETTINGS, kernel_clock.now())
    place = gate.Place("turn", "body", "row")
    sealed = gate.seal(gate.issue(alice, Purpose.HISTORY, site.keyring), place, b"what I wrote")
    db.session.commit()
    assert gate.Reader(alice, site.keyring).open(place, sealed) == b"what I wrote"
    restored = Account(public_id=alice.public_id)

    carry_out(_begin(alice))

    with pytest.raises(CannotRead):
        gate.Reader(restored, site.keyring)
    with pytest.raises(CannotOpen):
        site.keyring.key_of(restored.public_id)


def test_a_key_that_would_not_go_is_not_called_destroyed(
    app: Flask, people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = _begin(people.alice)
    with monkeypatch.context() as patch:
        patch.setattr(site.keyring, "bury", lambda _account, _today: None)
        with pytest.raises(NotErased, match="key is still there"):
            carry_out(reference)
    failed = erase.get_erasure(reference)
    assert (failed.state, failed.attempts, failed.fault) == (State.KEY, 1, "the account's key is still there")


def test_a_row_that_would_not_go_is_not_called_erased(
    app: Flask, people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(current_stores(), people.alice)
    reference, number = _begin(people.alice), people.alice.id
    blind = "chat.datarights.removal._take_owned"
    with monkeypatch.context() as patch:
        take = erase.removal._take_owned
        patch.setattr(blind, lambda store, owner, most: 0 if store.title == "Account" else take(store, owner, most))
        with pytest.raises(NotErased, match=r"left: Account 1$"):
            carry_out(reference)
    db.session.rollback()
    assert db.session.get(Account, number) is not None
    with pytest.raises(Exception, match="not erased yet"):
        erase.get_certificate(erase.get_erasure(reference), site.signing)

    assert erase_what_is_due() == 1

    assert erase.get_erasure(reference).state == State.DONE


def test_a_failure_of_one_does_not_keep_the_others_waiting(
    app: Flask, people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = _begin(people.alice), _begin(people.bob)
    alice = people.alice.public_id
    bury = site.keyring.bury
    monkeypatch.setattr(site.keyring, "bury", lambda one, today: None if one == alice else bury(one, today))

    with pytest.raises(NotErased):
        erase_what_is_due()

    assert erase.get_erasure(second).state == State.DONE
    assert erase.get_erasure(first).state == State.KEY


def test_a_number_that_was_given_to_somebody_else_is_left_alone(app: Flask, people: People, site: Site) -> None:
    """SQLite gives the highest number again once it is free; a crash may lie between."""
    alice = people.alice
    number, reference = alice.id, _begin(alice)
    for state in steps(reference, _ground(site), site):
        db.session.commit()
        if state is State.KEY:
            break
    bob = people.bob
    if bob.id != number:
        db.session.execute(sa.update(Erasure).values(number=bob.id))
        db.session.commit()
    seed(current_stores(), bob)
    before = counts(current_stores(), bob.id)

    erase_what_is_due()

    assert counts(current_stores(), bob.id) == before
    assert erase.get_erasure(reference).state == State.DONE


def test_two_that_begin_at_once_are_one(app: Flask, people: People, site: Site) -> None:
    first, second = _begin(people.alice), _begin(people.alice)

    both = [carry_out(first), carry_out(second)]

    assert first == second
    assert both[0] == both[1]


def test_the_certificate_is_the_sites_word_and_shows_a_change(app: Flask, people: People, site: Site) -> None:
    seed(current_stores(), people.alice)

    certificate = carry_out(_begin(people.alice))

    assert check(certificate, site.signing.public())
    more = {**certificate, "removed": [{"what": "Usage", "rows": 999}]}
    with pytest.raises(NotAuthentic):
        check(more, site.signing.public())
    with pytest.raises(NotAuthentic):
        check(certificate | {"proof": {**certificate["proof"], "signature": "AAAA"}}, site.signing.public())


def test_everything_goes_but_the_account_and_its_key_is_another(app: Flask, people: People, site: Site) -> None:
    stores, alice = current_stores(), people.alice
    seed(stores, alice)
    old = site.keyring.key_of(alice.public_id)
    before = counts(stores, alice.id)

    certificate = carry_out(_begin(alice, Scope.CONTENT))

    db.session.rollback()
    kept = {store.model.__tablename__ for store in stores if store.owner is not None and (store.part_of_account or store.stays)}
    after = counts(stores, alice.id)
    assert {name for name, rows in after.items() if rows} == kept
    assert all(after[name] == before[name] for name in kept)
    assert alice.active
    assert alice.closing_at is None
    assert site.keyring.key_of(alice.public_id) != old
    assert (certificate["scope"], certificate["key"]) == ("all but the account", "replaced")


def _begin(account: Account, scope: Scope = Scope.ACCOUNT) -> str:
    erasure = erase.begin(account, scope, asked_by="person", now=kernel_clock.now())
    db.session.commit()
    return erasure.public_id


def _ground(site: Site) -> Ground:
    return Ground(current_stores(), site.keyring, site.profile)


def _first(most: int, states: Iterator[Any]) -> Iterator[Any]:
    for _number in range(most + 1):
        try:
            yield next(states)
        except StopIteration:
            return
