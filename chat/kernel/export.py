"""What a feature is told and gives when a person takes a copy of their data: files for reading, beside the tables' own."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chat.kernel.profile import Profile
from chat.kernel.sealed import Sealed


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of the copy. Its chunks are asked for when its turn comes, before the next file is."""

    name: str  # with slashes; unique, and safe on every file system
    says: str  # a sentence about it for the copy's README; empty for the many of a kind
    chunks: Iterable[bytes]


# `open(table, column, row's public id, sealed)` returns the content, or None when it does not open: that is noted then.
Open = Callable[[str, str, str, Sealed], bytes | None]


@dataclass(frozen=True, slots=True, repr=False)
class Subject:
    """Whose copy it is, and what opens their content. Plain values: a copy outlives many database sessions."""

    owner_id: int
    account: str
    open: Open
    profile: Profile
    now: datetime


Exporter = Callable[[Subject], Iterator[ExportedFile]]
