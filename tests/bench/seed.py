"""An account with a long history, made through the services as real use would."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from flask import Flask

from chat.accounts.models import Account
from chat.consent import gate, ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.transcript import Transcript, say
from chat.factory import create_app
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import current_site
from chat.providers.base import Text
from tests.browser import Browser
from tests.conftest import settings_for_tests
from tests.people import People, sign_in
from tests.profiles import write_profile

WORDS = "A sentence as people write it, with some words that a search might want to find again later on. "


@contextmanager
def site_with_history(
    folder: Path, *, conversations: int, turns: int, length: int, **settings: str
) -> Iterator[tuple[Flask, Browser]]:
    """A site whose alice is signed in and has this many conversations of this many turns of `length` characters."""
    profile = write_profile(folder / "profile.toml", {"limits.account_messages": "1000000/hour"})
    app = create_app(settings_for_tests(folder, chat_profile=str(profile), chat_log_level="WARNING", **settings))
    app.test_client_class = Browser
    with app.app_context():
        alice = People(current_site().keyring).alice
        ledger.give(alice, Purpose.HISTORY, Source.SETTINGS, clock.now())
        db.session.commit()
        _fill(alice, conversations, turns, length)
        client = app.test_client()
        assert isinstance(client, Browser)
        yield app, sign_in(client, alice)
        db.session.remove()
        db.engine.dispose()


def _fill(alice: Account, conversations: int, turns: int, length: int) -> None:
    site = current_site()
    now = clock.now()
    for number in range(conversations):
        if number % 500 == 0:
            db.session.commit()
            permit = gate.issue(alice, Purpose.HISTORY, site.keyring)
        transcript = Transcript(model="smollm2-135m")
        written = now - timedelta(minutes=number)
        for turn in range(turns):
            words = f"needle{number}x{turn} {WORDS * (length // len(WORDS) + 1)}"[:length]
            transcript = transcript.add(say(transcript.leaf, (Text(words),), written))
        history.create(permit, alice, transcript, timedelta(days=90), written)
    db.session.commit()
