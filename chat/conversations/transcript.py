"""A conversation as a value: a tree of turns, the branch in view, and what it is asked with. Knows neither page nor table."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from chat.kernel.errors import NotFound
from chat.kernel.ids import public_id
from chat.kernel.signing import Document
from chat.providers.base import File, Image, Message, Part, Role, Text


class State(StrEnum):
    DONE = "done"
    STOPPED = "stopped"  # the person stopped it, or left
    FAILED = "failed"
    CUT = "cut"  # the model reached its longest answer


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said. `parent` is the turn it answers, so that a question can have several answers, and the reverse."""

    id: str
    parent: str | None
    role: Role
    parts: tuple[Part, ...] = field(repr=False)
    written_at: datetime
    model: str = ""
    reasoning: str = field(default="", repr=False)
    state: State = State.DONE
    # What went wrong, in our own words.
    problem: str = ""
    # An answer's data receipts, oldest first: one for each time that the model was asked. The last may be a draft, unsigned.
    receipts: tuple[Document, ...] = field(default=(), repr=False, hash=False)

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def files(self) -> tuple[Image | File, ...]:
        return tuple(part for part in self.parts if not isinstance(part, Text))


@dataclass(frozen=True, slots=True)
class Transcript:
    """The tree, oldest turn first. Changing it returns another one."""

    turns: dict[str, Turn] = field(default_factory=dict, repr=False)
    leaf: str | None = None
    model: str = ""
    instructions: str = field(default="", repr=False)
    temperature: float | None = None
    # The person said "don't save this one", whatever the account's switch says.
    is_private: bool = False

    def get(self, turn_id: str | None) -> Turn:
        """Return the turn. Raises NotFound."""
        if turn_id is None or turn_id not in self.turns:
            raise NotFound("That message is not in this conversation any more. Reload the page to see what is.")
        return self.turns[turn_id]

    def path(self, leaf: str | None = None) -> list[Turn]:
        """Return the branch that ends at `leaf`, or at the one in view: first turn first."""
        branch: list[Turn] = []
        at = leaf if leaf is not None else self.leaf
        while at is not None and at in self.turns:
            branch.append(self.turns[at])
            at = self.turns[at].parent
        return branch[::-1]

    def siblings(self, turn: Turn) -> list[Turn]:
        """Return the alternatives at this place, `turn` among them."""
        return [one for one in self.turns.values() if one.parent == turn.parent and one.role == turn.role]

    def add(self, turn: Turn) -> "Transcript":
        """Return it with `turn` added, or replaced where it stood, and in view."""
        return replace(self, turns={**self.turns, turn.id: turn}, leaf=turn.id)

    def show(self, turn_id: str) -> "Transcript":
        """Return it with `turn_id` in view, down to the newest turn below it."""
        leaf = self.get(turn_id).id
        while below := [one.id for one in self.turns.values() if one.parent == leaf]:
            leaf = below[-1]
        return replace(self, leaf=leaf)

    def remove(self, turn_id: str) -> "Transcript":
        """Return it without the turn and everything below it; a sibling comes into view, or else what came before."""
        gone = self.get(turn_id)
        doomed = self.below(turn_id)
        rest = replace(self, turns={key: turn for key, turn in self.turns.items() if key not in doomed}, leaf=gone.parent)
        others = rest.siblings(gone)
        return rest.show(others[-1].id) if others else rest

    def below(self, turn_id: str) -> set[str]:
        """Return the ids of the turn and of all that hangs from it."""
        found = {turn_id}
        for turn in self.turns.values():  # parents stand before their children
            if turn.parent in found:
                found.add(turn.id)
        return found


def say(parent: str | None, parts: tuple[Part, ...], now: datetime) -> Turn:
    """Return a new turn of the person."""
    return Turn(public_id(), parent, Role.USER, parts, now)


def answer(parent: str, model: str, now: datetime) -> Turn:
    """Return a new, still empty turn of the model; it counts as stopped until it is finished."""
    return Turn(public_id(), parent, Role.ASSISTANT, (), now, model=model, state=State.STOPPED)


def messages(branch: list[Turn]) -> tuple[Message, ...]:
    """Return the branch as a provider wants it: turns without words are left out."""
    return tuple(Message(turn.role, turn.parts) for turn in branch if turn.parts)


def renewed(transcript: Transcript) -> Transcript:
    """Return the same conversation with new ids for its turns: a copy that can stand beside the first."""
    ids: dict[str | None, str] = {old: public_id() for old in transcript.turns}
    turns = [replace(turn, id=ids[turn.id], parent=ids.get(turn.parent)) for turn in transcript.turns.values()]
    return replace(transcript, turns={turn.id: turn for turn in turns}, leaf=ids.get(transcript.leaf))
