"""A site that asks for improvement, people who agreed or did not, and the operator's commands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.kernel.db import db
from tests.chatting import Chat, fake, providers
from tests.conftest import Clock, MakeApp
from tests.fakes import FakeProvider
from tests.people import sign_in

__all__ = ["fake"]  # fixtures

Run = Callable[..., Result]


@pytest.fixture
def app(make_app: MakeApp, fake: FakeProvider) -> Flask:
    return make_app({"providers": providers(fake.url), "consents.offered": ["history", "improvement"]})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "handed-out"


@pytest.fixture
def run(app: Flask) -> Run:
    """`run("export", out)` is `flask improvement export --out …`, which must succeed."""

    def running(command: str, folder: Path) -> Result:
        result = app.test_cli_runner().invoke(args=["improvement", command, "--out", str(folder)])
        db.session.rollback()
        assert result.exit_code == 0, result.output
        return result

    return running


def agree(account: Account, clock: Clock, *purposes: Purpose) -> None:
    for purpose in purposes:
        ledger.give(account, purpose, Source.SETTINGS, clock.now)
    db.session.commit()


def withdraw(account: Account, clock: Clock, purpose: Purpose) -> None:
    ledger.withdraw(account, purpose, Source.SETTINGS, clock.now)
    db.session.commit()


def chat_of(app: Flask, account: Account) -> Chat:
    """A new chat in a new browser of this person."""
    client: Any = app.test_client()
    return Chat(sign_in(client, account))


def handed_out(folder: Path) -> list[dict[str, Any]]:
    """The examples that the folder's manifest names."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (name,) = [name for name in manifest["files"] if name.startswith("conversations")]
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def revoked(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "revocations.jsonl").read_text().splitlines()]
