"""What stands above every request to a provider: its address and headers, as the provider's own SDK writes them.

An SDK's way from a call to bytes costs ten times what sending them does, walks every message, and ends in the same address and
the same headers each time. So it is asked for them once, in a process of its own (letterhead_process.py), since an SDK weighs
16 to 40 MB and is needed for nothing else; what a request says is written below them by us.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from chat.kernel.settings import ROOT

Sdk = Literal["openai", "anthropic"]
# What the SDK is told in place of a provider's address and key: it needs to see neither.
PLACE, KEY = "https://letterhead.invalid/place", "the-key-stands-here"
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Where requests go and with which headers: the key is among them."""

    scheme: str
    host: str
    port: int | None
    path: str
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Form:
    """A letterhead of one SDK that is not filled in: what follows the address, and headers with a place for the key."""

    path: str
    headers: Mapping[str, str]


def letterhead_for(sdk: Sdk, base_url: str, key: str | None) -> Letterhead:
    """Return the letterhead of requests to the provider at `base_url`. The first of each SDK takes about a second."""
    form, address = _form_of(sdk), urlsplit(base_url)
    path = address.path.rstrip("/") + form.path + (f"?{address.query}" if address.query else "")
    headers = {name: value.replace(KEY, key or "none") for name, value in form.headers.items()}
    return Letterhead(address.scheme, address.hostname or "", address.port, path, headers)


def prepare(sdk: Sdk) -> None:
    """Ask the SDK now, before anybody waits for it."""
    _form_of(sdk)


@lru_cache
def _form_of(sdk: Sdk) -> _Form:
    answer = subprocess.run(  # noqa: S603  # every argument is ours
        [sys.executable, "-m", "chat.providers.letterhead_process", sdk],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=True,
    )
    drawn = json.loads(answer.stdout)
    return _Form(drawn["path"], drawn["headers"])
