"""What was found in an uploaded file: conversations as values, and what of it cannot be taken, in words."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chat.conversations.desk import clean
from chat.conversations.transcript import Transcript
from chat.kernel.errors import Problem, TooLarge

MOST_CONVERSATIONS = 20_000
MOST_TURNS = 5_000  # in one conversation
LONGEST_TURN = 1_000_000  # characters


class CannotImport(Problem):
    """The file is not what it should be. The message says what is wrong, and quotes nothing of it."""

    code = "cannot_import"


@dataclass(frozen=True, slots=True)
class Found:
    """One conversation of the file. `source_id` is what it is called there: the same one is not taken twice."""

    source_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    transcript: Transcript
    pinned: bool = False


@dataclass(slots=True)
class Reading:
    """All that one file holds. `left_out` counts what cannot be taken, by a sentence that names it."""

    kind: str
    conversations: list[Found] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def take(self, found: Found) -> None:
        """Add a conversation. Raises TooLarge when there are more than a person has."""
        if not found.transcript.turns:
            self.left_out["conversations without a message that can be taken"] += 1
            return
        if len(self.conversations) >= MOST_CONVERSATIONS:
            raise TooLarge(f"This file holds more than {MOST_CONVERSATIONS:,} conversations. Split it, and import the parts.")
        self.conversations.append(found)


def moment(value: object, otherwise: datetime) -> datetime:
    """Return the time that a file states, as seconds or in ISO 8601; `otherwise` when it states none that can be."""
    try:
        match value:
            case bool() | None:
                return otherwise
            case int() | float():
                found = datetime.fromtimestamp(value, UTC)
            case str():
                found = datetime.fromisoformat(value)
            case _:
                return otherwise
    except (ValueError, OverflowError, OSError):
        return otherwise
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    # What is dated to the future or to before there were computers is dated wrongly.
    return found if found.year >= 1970 and found <= otherwise else otherwise


def words(value: object) -> str:
    """Return a text of the file, cleaned like one that is typed; empty for anything else."""
    return clean(value)[:LONGEST_TURN] if isinstance(value, str) else ""
