"""The purposes a person may consent to, one by one, and the exact words they consented to.

A wording is never edited: a changed sentence gets the next revision, and the ledger keeps which one was shown.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    HISTORY = "history"
    IMPROVEMENT = "improvement"
    DIAGNOSTICS = "diagnostics"
    PREFERENCE_COOKIES = "preference_cookies"
    ANALYTICS = "analytics"
    PRODUCT_UPDATES = "product_updates"


@dataclass(frozen=True, slots=True)
class Wording:
    """What a person is told before they say yes: what it does, who sees it, for how long, and how it ends."""

    revision: int
    title: str
    does: str
    who_sees: str
    how_long: str
    ends: str

    @property
    def hash(self) -> str:
        """SHA-256 over the words, so that a receipt shows what was agreed to even when the words have changed since."""
        words = "\n".join((self.title, self.does, self.who_sees, self.how_long, self.ends))
        return hashlib.sha256(words.encode()).hexdigest()


# Purposes without words here cannot be consented to yet, whatever a profile offers.
WORDINGS = {
    Purpose.HISTORY: Wording(
        revision=1,
        title="Keep my conversations",
        does="Your conversations are stored here, encrypted under a key of your own, so that you can come back to them.",
        who_sees="You alone. No page of this site shows them to anybody else, its operator included.",
        how_long="Each conversation is deleted when its time is up; the time is shown beside it.",
        ends="You can switch this off at any moment. Storing stops at once, and what was stored is deleted "
        "unless you choose otherwise.",
    ),
}


def offered(names: tuple[str, ...]) -> tuple[Purpose, ...]:
    """Return the purposes a profile offers that also have words, in the profile's order."""
    return tuple(purpose for purpose in map(Purpose, names) if purpose in WORDINGS)
