"""The ledger: what was said last holds, what was said ever stays, and a change shows."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.accounts.models import Account
from chat.consent import ledger, purposes
from chat.consent.ledger import Source
from chat.consent.models import ConsentEntry
from chat.consent.purposes import Purpose, Wording
from chat.kernel import clock
from chat.kernel.db import db
from tests.people import People

HISTORY = Purpose.HISTORY


def test_nothing_is_allowed_before_anything_was_said(people: People) -> None:
    assert not ledger.allows(people.alice, HISTORY)
    assert ledger.list_entries(people.alice) == []


def test_the_latest_word_holds_and_every_word_stays(people: People) -> None:
    _give(people.alice)
    given = ledger.allows(people.alice, HISTORY)
    _withdraw(people.alice)
    withdrawn = ledger.allows(people.alice, HISTORY)
    _give(people.alice)

    assert (given, withdrawn, ledger.allows(people.alice, HISTORY)) == (True, False, True)
    entries = ledger.list_entries(people.alice)
    assert [(one.sequence, one.given) for one in entries] == [(1, True), (2, False), (3, True)]
    assert {one.wording_hash for one in entries} == {purposes.WORDINGS[HISTORY].hash}


def test_saying_the_same_again_writes_nothing(people: People) -> None:
    first = _give(people.alice)
    second = _give(people.alice)
    _withdraw(people.alice)

    assert first is second
    assert _withdraw(people.alice) is None
    assert len(ledger.list_entries(people.alice)) == 2


def test_saying_yes_to_new_words_is_a_new_yes(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    _give(people.alice)
    newer = Wording(2, "Keep", "Other words.", "You.", "Long.", "Here.")
    monkeypatch.setitem(purposes.WORDINGS, HISTORY, newer)

    _give(people.alice)

    assert [(one.wording_revision, one.wording_hash) for one in ledger.list_entries(people.alice)][1] == (2, newer.hash)


def test_one_persons_word_is_nobody_elses(people: People) -> None:
    _give(people.alice)

    assert not ledger.allows(people.bob, HISTORY)
    assert ledger.find_break(people.bob) is None


_RENUMBER = "UPDATE consent_entry SET sequence ="


@pytest.mark.parametrize(
    ("change", "breaks_at"),
    [
        ("UPDATE consent_entry SET given = NOT given WHERE sequence = 2", 2),
        ("UPDATE consent_entry SET source = 'elsewhere' WHERE sequence = 1", 1),
        ("UPDATE consent_entry SET wording_revision = 9 WHERE sequence = 3", 3),
        ("UPDATE consent_entry SET purpose = 'improvement' WHERE sequence = 4", 4),
        ("UPDATE consent_entry SET at = '2020-01-01 00:00:00.000000' WHERE sequence = 2", 2),
        ("UPDATE consent_entry SET hash = previous_hash WHERE sequence = 3", 3),
        ("DELETE FROM consent_entry WHERE sequence = 1", 1),
        ("DELETE FROM consent_entry WHERE sequence = 3", 3),
        # In two statements: which row comes first is the database's to say, and no two may have one number meanwhile.
        (f"{_RENUMBER} 13 WHERE sequence = 2; {_RENUMBER} 2 WHERE sequence = 3", 2),
    ],
)
def test_a_changed_ledger_shows_where(people: People, change: str, breaks_at: int) -> None:
    for _ in range(2):
        _give(people.alice)
        _withdraw(people.alice)
    db.session.commit()
    whole = ledger.find_break(people.alice)

    for statement in change.split(";"):
        db.session.execute(sa.text(statement))
    db.session.commit()

    assert whole is None
    assert ledger.find_break(people.alice) == breaks_at


def test_a_row_of_another_persons_chain_does_not_fit(people: People) -> None:
    _give(people.bob)
    db.session.execute(sa.update(ConsentEntry).values(account_id=people.alice.id))
    db.session.commit()

    assert ledger.find_break(people.alice) == 1


def test_two_browsers_at_once_leave_a_whole_chain(app: Flask, people: People) -> None:
    alice = people.alice.id
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def act(what: Callable[[Account], object]) -> None:
        try:
            start.wait()
            for _ in range(8):
                with app.app_context():
                    what(db.session.get_one(Account, alice))
                    db.session.commit()
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    threads = [threading.Thread(target=act, args=(what,)) for what in (_give, _withdraw, _give, _withdraw)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    entries = ledger.list_entries(people.alice)
    assert failures == []
    assert ledger.find_break(people.alice) is None
    assert [one.given for one in entries] == [number % 2 == 0 for number in range(len(entries))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.tuples(st.sampled_from(["alice", "bob"]), st.booleans()), max_size=12))
def test_whatever_people_say_the_ledger_is_what_they_said(people: People, words: list[tuple[str, bool]]) -> None:
    db.session.execute(sa.delete(ConsentEntry))
    db.session.commit()
    last = {"alice": False, "bob": False}
    turns = {"alice": 0, "bob": 0}

    for name, yes in words:
        (_give if yes else _withdraw)(getattr(people, name))
        turns[name] += last[name] != yes
        last[name] = yes

    for name, yes in last.items():
        person = getattr(people, name)
        assert ledger.allows(person, HISTORY) is yes
        assert len(ledger.list_entries(person)) == turns[name]
        assert ledger.find_break(person) is None


def _give(account: Account) -> ConsentEntry:
    return ledger.give(account, HISTORY, Source.SETTINGS, clock.now())


def _withdraw(account: Account) -> ConsentEntry | None:
    return ledger.withdraw(account, HISTORY, Source.SETTINGS, clock.now())
