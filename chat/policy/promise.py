"""What a promise is: words for people, when a site makes it, and a check that does what somebody would do to see it kept."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from chat.kernel.profile import Profile

if TYPE_CHECKING:
    from chat.policy.scratch.instance import Scratch

Check = Callable[["Scratch"], str]


class Broken(Exception):
    """The promise is not kept. Its text says in one sentence how that showed."""


class State(StrEnum):
    KEPT = "kept"
    FAILING = "failing"
    NOT_OFFERED = "not_offered"


def require(holds: object, sentence: str) -> None:
    """Raise Broken with `sentence` unless it holds."""
    if not holds:
        raise Broken(sentence)


def always(_profile: Profile) -> bool:
    """The condition of a promise that every site makes."""
    return True


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One promise. It can be kept or failing only where `applies` and there is a `check`; else this site does not offer it."""

    id: str
    wording: Callable[[Profile], str]
    # Uses a running scratch instance as a person would. Returns what it saw, in one sentence; raises Broken.
    check: Check | None = None
    # Looks at this very site, not at a scratch instance, for what only time brings: raises Broken.
    here: Callable[[], None] | None = None
    applies: Callable[[Profile], bool] = always
    # Why this site makes no such promise, where it does not.
    absent: str = "This site has nothing that this promise is about."
    # Runs in an instance that sends its mail to `scratch.mailbox`, whatever the site does. Registering takes a mail there.
    mail: bool = False
    # Moves the scratch instance's clock; such checks come last, since a clock is never moved back.
    travels: bool = False

    def is_offered(self, profile: Profile) -> bool:
        return self.check is not None and self.applies(profile)

    def why_not(self, profile: Profile) -> str:
        """Return why the site whose profile this is does not offer it."""
        return "Nothing checks this yet, so it is not promised." if self.applies(profile) else self.absent


@dataclass(frozen=True, kw_only=True)
class Section:
    """The promises under one heading of the policy."""

    name: str
    title: str
    promises: tuple[Promise, ...]
