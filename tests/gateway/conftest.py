"""The API in tests: a site whose models answer, on a real server, and a key of alice's."""

from tests.chatting import app, fake

__all__ = ["app", "fake"]  # fixtures
