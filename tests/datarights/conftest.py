from tests.chatting import app, fake

__all__ = ["app", "fake"]  # fixtures
