"""What is taken back goes on the list of withdrawn copies, and out of every later export."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.consent.purposes import Purpose
from chat.improvement.models import ExportedConversation
from chat.kernel.db import db
from tests.chatting import Chat
from tests.conftest import Clock
from tests.improvement.conftest import Run, agree, chat_of, handed_out, revoked, withdraw
from tests.people import People

BOTH = (Purpose.HISTORY, Purpose.IMPROVEMENT)


@pytest.fixture
def chat(app: Flask, people: People, clock: Clock, run: Run, out: Path) -> Chat:
    """Alice's conversation, handed out once; a minute has passed since."""
    agree(people.alice, clock, *BOTH)
    chat = chat_of(app, people.alice).send("Hello", model="ok")
    run("export", out)
    clock.advance(minutes=1)
    return chat


@pytest.mark.parametrize("purpose", BOTH)
def test_a_withdrawal_revokes_even_if_it_is_taken_back(
    chat: Chat, people: People, clock: Clock, run: Run, out: Path, purpose: Purpose
) -> None:
    (before,) = handed_out(out)
    withdraw(people.alice, clock, purpose)
    agree(people.alice, clock, purpose)

    run("revocations", out)

    (line,) = revoked(out)
    assert (line["conversation"], line["reason"]) == (before["conversation"], "consent withdrawn")


def test_what_is_withdrawn_is_in_no_later_export(
    chat: Chat, people: People, clock: Clock, run: Run, out: Path, tmp_path: Path
) -> None:
    withdraw(people.alice, clock, Purpose.IMPROVEMENT)

    run("export", out)
    run("export", tmp_path / "another")

    assert handed_out(out) == handed_out(tmp_path / "another") == []
    assert len(revoked(out)) == len(revoked(tmp_path / "another")) == 1
    assert "withdrawn on" in chat.client.page("/settings/improvement").text


def test_a_deleted_conversation_is_revoked(chat: Chat, run: Run, out: Path) -> None:
    chat.client.post(f"/c/{chat.conversation}/remove", data={"csrf_token": chat.fields()["csrf_token"]})

    run("revocations", out)

    assert [line["reason"] for line in revoked(out)] == ["conversation deleted"]
    assert "A conversation that is gone" in chat.client.page("/settings/improvement").text


def test_of_an_erased_account_a_pseudonym_stays_and_revokes(chat: Chat, people: People, run: Run, out: Path) -> None:
    (before,) = handed_out(out)
    db.session.execute(sa.delete(Account).where(Account.id == people.alice.id))
    db.session.commit()

    run("revocations", out)

    (line,) = revoked(out)
    assert (line["conversation"], line["reason"]) == (before["conversation"], "account erased")
    (row,) = db.session.scalars(sa.select(ExportedConversation))
    assert (row.account_id, row.conversation_id) == (None, None)


def test_a_frozen_account_is_used_for_nothing_anywhere(chat: Chat, people: People, clock: Clock, run: Run, out: Path) -> None:
    people.alice.frozen_at = clock.now
    db.session.commit()

    run("revocations", out)

    assert [line["reason"] for line in revoked(out)] == ["account restricted"]


def test_a_thumb_taken_back_revokes_what_it_had_opened(app: Flask, people: People, clock: Clock, run: Run, out: Path) -> None:
    agree(people.alice, clock, Purpose.HISTORY)
    chat = chat_of(app, people.alice).send("Before", model="ok")
    clock.advance(minutes=1)
    agree(people.alice, clock, Purpose.IMPROVEMENT)
    chat.act(f"rate/{chat.turns[-1].id}/up")
    run("export", out)

    chat.act(f"rate/{chat.turns[-1].id}/none")
    run("revocations", out)

    assert [line["reason"] for line in revoked(out)] == ["feedback taken back"]


def test_what_stands_is_not_revoked_and_a_second_run_says_the_same(chat: Chat, run: Run, out: Path, clock: Clock) -> None:
    run("revocations", out)
    nothing = revoked(out)
    chat.client.post(f"/c/{chat.conversation}/remove", data={"csrf_token": chat.fields()["csrf_token"]})
    run("revocations", out)
    first = revoked(out)
    clock.advance(days=1)

    run("revocations", out)

    assert nothing == []
    assert revoked(out) == first
