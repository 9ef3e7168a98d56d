"""The chain of one person's consent entries: how each is hashed, and where a chain is broken. Knows neither database nor web.

The recipe is part of what people keep. It only ever grows: a field that an older entry does not have stays out of its hash.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# The types of the documents that carry chains or parts of them.
HEAD, LEDGER, RECEIPT = "candor-consent-head", "candor-consent-ledger", "candor-consent-receipt"

START = "0" * 64
# Recipe 1: these, with the account's public id. Recipe 2: and `notice_version`, in entries that have one.
FIELDS = ("sequence", "purpose", "given", "wording_revision", "wording_hash", "source", "at", "previous_hash")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain is not what was written."""

    sequence: int
    why: str


def entry_hash(account: str, row: Row) -> str:
    """Return SHA-256 over the row, in JSON with sorted keys. `at` is ISO 8601 in UTC."""
    hashed = {"account": account} | {name: row[name] for name in FIELDS}
    if row.get("notice_version") is not None:
        hashed["notice_version"] = row["notice_version"]
    return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()


def find_break(account: str, rows: Iterable[Row]) -> Break | None:
    """Return the first entry, oldest first, that was edited, removed, inserted or moved; None for a whole chain.

    Entries missing at the very end do not show here: only a head that somebody kept shows them (`find_missing`).
    """
    previous = START
    for expected, row in enumerate(rows, start=1):
        if row["sequence"] != expected:
            return Break(expected, f"entry {expected} is missing or stands elsewhere")
        if row["previous_hash"] != previous:
            return Break(expected, f"entry {expected} does not follow the one before it")
        if row["hash"] != entry_hash(account, row):
            return Break(expected, f"entry {expected} was changed")
        previous = row["hash"]
    return None


def find_missing(rows: Iterable[Row], *, sequence: int, head: str) -> Break | None:
    """Return what is missing or different where a kept head says that entry `sequence` had the hash `head`, or None."""
    if sequence == 0:
        return None
    found = next((row for row in rows if row["sequence"] == sequence), None)
    if found is None:
        return Break(sequence, f"entry {sequence} is missing: the chain was longer when the head was signed")
    if found["hash"] != head:
        return Break(sequence, f"entry {sequence} is not the one that was there when the head was signed")
    return None
