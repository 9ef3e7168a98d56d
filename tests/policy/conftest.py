"""Scratch instances for tests that need many of them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from chat.kernel.settings import ROOT
from chat.policy.scratch.forks import Forks, forking
from chat.policy.scratch.process import CHILD

_LIBRARIES = f"import sys, {CHILD}, chat.factory; print(*(one for one in sys.modules if one.partition('.')[0] != 'chat'))"


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Where instances of any source come from: what they are forked from has the libraries loaded, and never the product."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    libraries = subprocess.run(
        [sys.executable, "-c", _LIBRARIES], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    with forking(libraries.split()) as process:
        yield process
