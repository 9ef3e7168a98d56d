"""What tests around accounts share: a mail server, and an app that sends through it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.accounts.mailbox import Mailbox
from tests.conftest import MakeApp


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.start()
    yield box
    box.stop()


@pytest.fixture
def mailing_app(make_app: MakeApp, mailbox: Mailbox) -> Flask:
    """An app that has a mail server, so that addresses are confirmed."""
    return make_app({"limits.sign_in": "1000/minute"}, mail_url=mailbox.url, chat_public_url="https://candor.example")
