"""Secrets that the site makes for itself: one file each in the instance folder, readable by its owner alone."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

_OWNER_ONLY = 0o600


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in `path`, made by `make` if there is none. Several processes starting at once get the same one."""
    while True:
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            _publish(path, make())
            continue
        if path.stat().st_mode & 0o077:
            path.chmod(_OWNER_ONLY)
        return text


def replace(path: Path, text: str) -> None:
    """Write `text` to `path` so that a crash leaves either the old secret or the new one."""
    temporary = _write_aside(path, text)
    temporary.replace(path)


def _publish(path: Path, text: str) -> None:
    temporary = _write_aside(path, text)
    try:
        # A hard link fails if another process was faster, and never shows a half-written file.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _write_aside(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return temporary
