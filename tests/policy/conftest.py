"""Scratch instances for tests that need many of them."""

from collections.abc import Iterator

import pytest

from tests.policy.forks import Forks, forking


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Where instances come from that need not load all libraries anew."""
    with forking() as process:
        yield process
