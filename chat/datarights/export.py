"""A person's copy of everything held about them: what is in it, in which order. docs/export.md describes it for readers.

The tables' declarations say which columns go in; features add what is for reading. Whatever does not open is named in the
manifest, and the rest goes on. Any other failure ends the copy in the middle, so that it is no archive.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from chat.accounts.models import Account
from chat.consent.gate import CannotRead, Place, Reader
from chat.datarights.holdings import owned
from chat.datarights.rows import json_document
from chat.datarights.zipping import zipped
from chat.kernel.db import db
from chat.kernel.export import ExportedFile, Exporter, Subject
from chat.kernel.keyring import Keyring
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile
from chat.kernel.sealed import Sealed

FORMAT = "candor-export"
SCHEMA_VERSION = 1
# Enough to see what is damaged; the count goes on.
_MOST_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Copy:
    """What one copy is made of and from whom. Holds no row of the database: it outlives the request's session."""

    subject: Subject
    stores: Sequence[Store]
    exporters: Sequence[Exporter]
    tally: "Tally"

    def stream(self) -> Iterator[bytes]:
        """Yield the archive."""
        return zipped(self.files(), self.subject.now)

    def files(self) -> Iterator[ExportedFile]:
        """Yield each file in its order; the manifest is the last one, and says that the copy is whole."""
        says: list[tuple[str, str]] = []
        db.session.rollback()  # no connection is held while somebody's line is slow
        for file in self._all():
            self.tally.files += 1
            if file.says:
                says.append((file.name, file.says))
            yield file
            db.session.rollback()
        yield ExportedFile("README.txt", "", [_readme(self.subject, says)])
        yield ExportedFile("manifest.json", "", [msgspec.json.format(msgspec.json.encode(self._manifest()), indent=2)])

    def _all(self) -> Iterator[ExportedFile]:
        for store in owned(self.stores):
            table = store.model.__tablename__
            self.tally.counts[table] = 0
            chunks = json_document(store, self.subject, lambda table=table: self.tally.add(table))  # type: ignore[misc]
            yield ExportedFile(f"data/{table}.json", f"{store.title}: {store.holds}.", chunks)
        for exporter in self.exporters:
            yield from exporter(self.subject)

    def _manifest(self) -> dict[str, object]:
        tally = self.tally
        return {
            "format": FORMAT,
            "schema": SCHEMA_VERSION,
            "site": self.subject.profile.site.name,
            "account": self.subject.account,
            "made_at": self.subject.now.isoformat(),
            "counts": dict(tally.counts),
            "files": tally.files + 2,
            "damaged": [dict(zip(("table", "column", "row"), one, strict=True)) for one in tally.damaged[:_MOST_NAMED]],
            "damaged_count": len(tally.damaged),
            "complete": True,
        }


@dataclass(slots=True)
class Tally:
    """What went into a copy so far, and what did not open."""

    counts: Counter[str] = field(default_factory=Counter)
    files: int = 0
    damaged: list[tuple[str, str, str]] = field(default_factory=list)
    _seen: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, table: str) -> None:
        self.counts[table] += 1

    def note(self, table: str, column: str, row: str) -> None:
        """Write down, once, that a row's content does not open."""
        if (one := (table, column, row)) not in self._seen:
            self._seen.add(one)
            self.damaged.append(one)


def prepare(
    account: Account,
    keyring: Keyring,
    profile: Profile,
    *,
    stores: Sequence[Store],
    exporters: Sequence[Exporter],
    now: datetime,
) -> Copy:
    """Return the copy of `account`'s data, ready to be streamed."""
    tally = Tally()
    subject = Subject(account.id, account.public_id, _opener(account, keyring, tally), profile, now)
    return Copy(subject, stores, exporters, tally)


def _opener(account: Account, keyring: Keyring, tally: Tally) -> "_Open":
    try:
        return _Open(Reader(account, keyring), tally)
    except CannotRead:
        # The key is gone: no content opens, and the copy says so of each piece; the rest is the person's all the same.
        return _Open(None, tally)


@dataclass(frozen=True, slots=True)
class _Open:
    reader: Reader | None
    tally: Tally

    def __call__(self, table: str, column: str, row: str, sealed: Sealed) -> bytes | None:
        try:
            if self.reader is not None:
                return self.reader.open(Place(table, column, row), sealed)
        except CannotRead:
            pass
        self.tally.note(table, column, row)
        return None


def _readme(subject: Subject, says: list[tuple[str, str]]) -> bytes:
    lines = [
        f"Your data at {subject.profile.site.name}",
        f"Made on {subject.now:%d %B %Y at %H:%M} (UTC) for the account {subject.account}.",
        "",
        "This archive holds everything the site keeps about you. It was made while you downloaded it, and no copy of it",
        "was left on the site. It is not encrypted: whoever has the file can read it.",
        "",
        *(f"{name}\n    {sentence}" for name, sentence in says),
        "manifest.json",
        "    What the archive holds, counted, and which pieces did not open. It is written last: where it is missing, the",
        "    download broke off and the archive is not whole.",
        "",
        "What is not in it: your password, which is kept only as a hash that cannot be turned back, and row numbers that",
        "mean nothing outside the database. The format is described in docs/export.md of the software (Candor).",
        "",
    ]
    return "\n".join(lines).encode()
