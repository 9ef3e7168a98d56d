"""What stands above every request to a provider: its address and headers, as the provider's own SDK writes them.

An SDK's way from a call to bytes costs ten times what sending them does, walks every message, and ends in the same address and
the same headers each time. So it is asked for them once, in a process of its own (letterhead_process.py), since the two weigh
16 and 40 MB and are needed for nothing else; what a request says is written below them by us. What they answered is kept in
the instance folder until another version of them is installed.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from chat.kernel.settings import ROOT

Sdk = Literal["openai", "anthropic"]
SDKS: tuple[Sdk, ...] = ("openai", "anthropic")
# What an SDK is told in place of a provider's address and key: it needs to see neither.
PLACE, KEY = "https://letterhead.invalid/place", "the-key-stands-here"
# They read settings of their own, which no profile mentions: where requests go, and whose name stands on them.
_SETTINGS_OF_SDKS = ("OPENAI_", "ANTHROPIC_")
_SECONDS = 60
_FILE = "letterheads.json"


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Where requests go and with which headers: the key is among them."""

    scheme: str
    host: str
    port: int | None
    path: str
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """A letterhead of one SDK that is not filled in: what follows the address, and headers with a place for the key."""

    path: str
    headers: Mapping[str, str]


class Letterheads:
    """The letterheads of an instance's providers, and the file in which the forms of them wait for the next start."""

    # Installed SDKs do not change while a process runs, so that all instances of one share what was found.
    _forms: ClassVar[dict[str, Form]] = {}
    _asking: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, instance: Path, ask: Callable[[], dict[str, Form]] | None = None) -> None:
        self._file = instance / _FILE
        self._ask = ask or ask_sdks

    def write(self, sdk: Sdk, base_url: str, key: str | None) -> Letterhead:
        """Return the letterhead of requests to the provider at `base_url`; without a key a placeholder stands in it.

        Takes about a second where these versions of the SDKs were never asked before.
        """
        form, address = self._ready()[sdk], urlsplit(base_url)
        path = address.path.rstrip("/") + form.path + (f"?{address.query}" if address.query else "")
        headers = {name: value.replace(KEY, key or "none") for name, value in form.headers.items()}
        return Letterhead(address.scheme, address.hostname or "", address.port, path, headers)

    def prepare(self) -> None:
        """Begin to ask, before anybody waits for the answer."""
        threading.Thread(target=self._ready, daemon=True).start()

    def give(self, instance: Path) -> None:
        """Let another instance of this installation know what was answered, or find out for both."""
        _write(instance / _FILE, _versions(), self._ready())

    def _ready(self) -> Mapping[str, Form]:
        with self._asking:
            if not self._forms:
                installed = _versions()
                forms = _read(self._file, installed)
                if forms is None:
                    forms = self._ask()
                    _write(self._file, installed, forms)
                self._forms.update(forms)
        return self._forms


def _versions() -> dict[str, str]:
    return {sdk: version(sdk) for sdk in SDKS}


def _read(file: Path, installed: dict[str, str]) -> dict[str, Form] | None:
    """Return what these versions answered, or None: whatever is wrong with the file, they can be asked again."""
    try:
        kept = json.loads(file.read_bytes())
        return _forms(kept["forms"]) if kept["versions"] == installed else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _write(file: Path, installed: dict[str, str], forms: Mapping[str, Form]) -> None:
    drawn = {sdk: {"path": form.path, "headers": form.headers} for sdk, form in forms.items()}
    new = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # a folder that cannot be written to costs the next start a second
        new.write_text(json.dumps({"versions": installed, "forms": drawn}, indent=1), encoding="utf-8")
        new.replace(file)


def ask_sdks() -> dict[str, Form]:
    """Return what the SDKs that are installed write, from a process that loads them. Takes about a second."""
    answer = subprocess.run(
        [sys.executable, "-m", "chat.providers.letterhead_process"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_OF_SDKS)}
        | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=True,
    )
    return _forms(json.loads(answer.stdout))


def _forms(drawn: dict[str, Any]) -> dict[str, Form]:
    return {
        sdk: Form(str(drawn[sdk]["path"]), {str(name): str(value) for name, value in drawn[sdk]["headers"].items()})
        for sdk in SDKS
    }
