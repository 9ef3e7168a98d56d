"""What changes between two versions, section by section."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from chat.policy.readable import Part, readable


@dataclass(frozen=True, slots=True)
class Change:
    """Lines that go, and lines that come in their place; either may be empty."""

    gone: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A section in which something changes."""

    title: str
    changes: tuple[Change, ...]
    is_new: bool
    is_gone: bool


def difference(old: dict[str, Any], new: dict[str, Any]) -> list[ChangedPart]:
    """Return the sections of which `new` says something else than `old`, in the order of `new`, those that are gone last."""
    before, after = _by_title(readable(old)), _by_title(readable(new))
    titles = [*after, *(title for title in before if title not in after)]
    return [part for title in titles if (part := _compared(title, before.get(title), after.get(title)))]


def _by_title(parts: Sequence[Part]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in parts:
        found[part.title] = found.get(part.title, ()) + part.lines
    return found


def _compared(title: str, old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> ChangedPart | None:
    changes = tuple(_changes(old or (), new or ()))
    return ChangedPart(title, changes, is_new=old is None, is_gone=new is None) if changes else None


def _changes(old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Change]:
    # Whole sentences: within one, a marked word here and there reads like a riddle.
    for kind, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield Change(old[a:b], new[c:d])
