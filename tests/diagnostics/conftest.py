from tests.chatting import fake

__all__ = ["fake"]  # fixtures
