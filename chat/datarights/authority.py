"""Handing one account over because the law compels it: the only way an operator gets at somebody's content, on record."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from chat.accounts import audit
from chat.accounts.models import Account
from chat.datarights.export import prepare
from chat.kernel.errors import Problem
from chat.kernel.feature import current_exporters
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site

ACT = "export for an authority"
_SHORTEST, _FEWEST_WORDS, _LONGEST = 20, 4, 500


def check_reason(reason: str) -> str:
    """Return the reason. Raises Problem for one that does not say which order of whom compels it."""
    said = " ".join(reason.split())
    if len(said) < _SHORTEST or len(set(said.lower().split())) < _FEWEST_WORDS:
        raise Problem("--reason: say which authority asks, on which order or law, in full words: it is what the person reads.")
    if len(said) > _LONGEST:
        raise Problem(f"--reason: at most {_LONGEST} characters.")
    return said


@contextmanager
def reserved(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file at `path`, for its owner alone; gone again if the block fails. Raises Problem where one is already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
    except BaseException:
        path.unlink()
        raise


def record(account: Account, reason: str, *, withheld: bool, now: datetime) -> None:
    """Put it on record. To be committed before the first byte is read: what was begun is known, whatever becomes of it."""
    audit.record(ACT, reason=reason, now=now, about=account, withheld=withheld)


def write(account: Account, file: BinaryIO, now: datetime) -> int:
    """Write everything held about the account, as its own copy would be, and return how many bytes that are."""
    site = current_site()
    copy = prepare(account, site.keyring, site.profile, stores=current_stores(), exporters=current_exporters(), now=now)
    return sum(file.write(chunk) for chunk in copy.stream())
