"""Running `flask privacy verify` as an operator does, with settings that owe nothing to this machine's."""

import os
from pathlib import Path

from chat.providers.letterhead import Letterheads


def environment(instance: Path, source: Path, **settings: str) -> dict[str, str]:
    """The environment of a command that runs the source in that folder, on an instance in this one."""
    # What a first start finds out takes seconds of processor time, and is the same for all that are started here.
    Letterheads(instance).give(instance)
    inherited = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV", "LANG", "TMPDIR", "CI") if name in os.environ}
    own = {
        "CHAT_INSTANCE": str(instance),
        "CHAT_EMBEDDED_MODEL": "off",
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return inherited | own | settings
