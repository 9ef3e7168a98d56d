"""New words, or a material change of the policy, ask again: until then a consent does not count, and what is stored stays."""

from datetime import datetime

import pytest
from flask import Flask

from chat.consent import gate, ledger, purposes
from chat.consent.gate import NotPermitted
from chat.consent.ledger import Source, State
from chat.consent.purposes import Purpose, Wording
from chat.conversations.models import Conversation
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.notice import Notice, mount_notice
from chat.kernel.site import Site
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.conftest import Clock
from tests.people import People, sign_in

HISTORY = Purpose.HISTORY
NEWER = Wording(2, "Keep", "Other words.", "You.", "Long.", "Here.")


def test_new_words_make_a_consent_lapse(people: People, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _give(people)

    monkeypatch.setitem(purposes.WORDINGS, HISTORY, NEWER)

    assert ledger.state(people.alice, HISTORY) is State.LAPSED
    assert not ledger.allows(people.alice, HISTORY)
    with pytest.raises(NotPermitted):
        gate.issue(people.alice, HISTORY, site.keyring)


def test_a_material_change_makes_a_consent_lapse_from_its_announcement(app: Flask, people: People, clock: Clock) -> None:
    _give(people)
    announced = clock.advance(days=1)
    _policy(app, announced)

    lapsed = ledger.state(people.alice, HISTORY)
    _give(people)

    assert lapsed is State.LAPSED
    assert ledger.state(people.alice, HISTORY) is State.GIVEN
    assert [one.notice_version for one in ledger.list_entries(people.alice)] == [None, "f" * 64]
    assert ledger.find_break(people.alice) is None


def test_a_change_that_a_purpose_does_not_depend_on_leaves_it_alone(app: Flask, people: People, clock: Clock) -> None:
    _give(people)
    _policy(app, clock.advance(days=1), purpose="improvement")

    assert ledger.state(people.alice, HISTORY) is State.GIVEN


def test_a_lapsed_consent_can_be_withdrawn(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    _give(people)
    monkeypatch.setitem(purposes.WORDINGS, HISTORY, NEWER)

    ledger.withdraw(people.alice, HISTORY, Source.SETTINGS, kernel_clock.now())

    assert ledger.state(people.alice, HISTORY) is State.WITHDRAWN


def test_the_page_asks_again_and_nothing_is_stored_meanwhile(
    client: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_history_on(sign_in(client, people.alice))
    saved = Chat(client).send("Before").conversation
    monkeypatch.setitem(purposes.WORDINGS, HISTORY, NEWER)

    meanwhile = Chat(client).send("Meanwhile")
    page = client.page("/settings/privacy")
    client.submit("/settings/privacy", action="/history/give")

    assert meanwhile.storage == "not_stored"
    assert "Please look again" in page.text
    assert "Paused until you look again" in page.text
    assert Chat(client, f"/c/{saved}").said == ["Before", "Before"]
    assert Chat(client).send("After").storage == "saved"
    assert db.session.query(Conversation).count() == 2


def test_no_turn_joins_a_saved_conversation_while_the_consent_has_lapsed(
    client: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_history_on(sign_in(client, people.alice))
    saved = Chat(client).send("Before").conversation
    monkeypatch.setitem(purposes.WORDINGS, HISTORY, NEWER)

    Chat(client, f"/c/{saved}").send("More")

    assert Chat(client, f"/c/{saved}").said == ["Before", "Before"]


def _give(people: People) -> None:
    ledger.give(people.alice, HISTORY, Source.SETTINGS, kernel_clock.now())
    db.session.commit()


def _policy(app: Flask, announced: datetime, purpose: str = "history") -> None:
    """A site whose policy changed materially for `purpose`, announced then and in force since."""
    mount_notice(app, Notice(version=lambda: "f" * 64, asks_again=lambda asked: announced if asked == purpose else None))
