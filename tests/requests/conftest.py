from typing import Any

import pytest
from flask import Flask

from tests.chatting import fake, providers
from tests.conftest import MakeApp
from tests.fakes import FakeProvider

__all__ = ["fake"]  # fixtures


@pytest.fixture
def app(make_app: MakeApp, fake: FakeProvider) -> Flask:
    changes: dict[str, Any] = {"consents.offered": ["history", "diagnostics"], "features.support": True}
    return make_app({"providers": providers(fake.url), **changes})
