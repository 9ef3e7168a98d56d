"""Legal process: one command, with a reason, on record, and shown to the person unless the reason forbids that."""

import stat
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from chat.accounts.models import AuditEntry
from chat.kernel.db import db
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.people import People, sign_in

CANARY = "herons-on-the-roof"
REASON = "Order 7/26 of the district court of Ghent, under article 88 of the code"


def test_it_holds_the_persons_content_for_its_reader_alone(app: Flask, client: Browser, people: People, tmp_path: Path) -> None:
    turn_history_on(sign_in(client, people.alice))
    Chat(client).send(CANARY, model="echo")
    out = tmp_path / "for-the-court.zip"

    result = _run(app, people.alice.email, "--reason", REASON, "--out", str(out))

    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as archive:
        assert any(CANARY.encode() in archive.read(name) for name in archive.namelist())
    assert CANARY not in result.output


def test_it_is_recorded_and_the_person_sees_it(app: Flask, client: Browser, people: People, tmp_path: Path) -> None:
    sign_in(client, people.alice)

    _run(app, people.alice.public_id, "--reason", REASON, "--out", str(tmp_path / "a.zip"))

    (entry,) = _entries()
    assert (entry.act, entry.account_id, entry.is_withheld) == ("export for an authority", people.alice.id, False)
    assert REASON in client.page("/settings/data").text


def test_what_the_order_forbids_telling_is_recorded_and_not_shown(
    app: Flask, client: Browser, people: People, tmp_path: Path
) -> None:
    sign_in(client, people.alice)

    _run(app, people.alice.email, "--reason", REASON, "--withhold-from-person", "--out", str(tmp_path / "a.zip"))

    assert [entry.is_withheld for entry in _entries()] == [True]
    assert REASON not in client.page("/settings/data").text


@pytest.mark.parametrize("reason", ["", "because", "x x x x x x x x x x x x", "a court said so", "y" * 40])
def test_without_a_real_reason_there_is_neither_archive_nor_entry(
    app: Flask, people: People, tmp_path: Path, reason: str
) -> None:
    out = tmp_path / "a.zip"

    result = _run(app, people.alice.email, "--reason", reason, "--out", str(out))

    assert result.exit_code != 0
    assert _entries() == []
    assert not out.exists()


def test_it_overwrites_nothing_and_knows_no_strangers(app: Flask, people: People, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    out.write_text("an earlier one")

    taken = _run(app, people.alice.email, "--reason", REASON, "--out", str(out))
    stranger = _run(app, "nobody@example.org", "--reason", REASON, "--out", str(tmp_path / "b.zip"))

    assert taken.exit_code == stranger.exit_code == 1
    assert out.read_text() == "an earlier one"
    assert _entries() == []


def _run(app: Flask, *args: str) -> Result:
    result = app.test_cli_runner().invoke(args=["accounts", "export-for-authority", *args])
    db.session.rollback()
    return result


def _entries() -> list[AuditEntry]:
    return list(db.session.scalars(sa.select(AuditEntry)))
