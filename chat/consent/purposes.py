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


class Interest(StrEnum):
    """Processing that rests on a legitimate interest: nobody is asked, and everybody may object (GDPR Art. 21)."""

    STATISTICS = "statistics"


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
WORDINGS: dict[Purpose, Wording] = {
    Purpose.HISTORY: Wording(
        revision=1,
        title="Keep my conversations",
        does="Your conversations are stored here, encrypted under a key of your own, so that you can come back to them.",
        who_sees="You alone. No page of this site shows them to anybody else, its operator included.",
        how_long="Each conversation is deleted when its time is up; the time is shown beside it.",
        ends="You can switch this off at any moment. Storing stops at once, and what was stored is deleted "
        "unless you choose otherwise.",
    ),
    Purpose.IMPROVEMENT: Wording(
        revision=1,
        title="Improve this service with my saved conversations",
        does="Copies of conversations that you begin and save from now on, and of older saved ones in which you give a thumb "
        "from now on, may be taken to test and train models, with your thumbs and notes. Your name and e-mail address are "
        "left out, also where you wrote them; the rest of what you wrote is not changed. Conversations you did not save are "
        "never taken.",
        who_sees="The operator of this site, and those who test and train models on its behalf. "
        "Your settings list which of your conversations were taken, and when.",
        how_long="A conversation can be taken only while it is saved here and this is switched on.",
        ends="You can switch this off at any moment. Nothing more is taken, and what was taken before goes on a list of "
        "withdrawn copies, which must be deleted. What a model has learned from them already cannot be taken out of it.",
    ),
    Purpose.DIAGNOSTICS: Wording(
        revision=1,
        title="Keep a copy when an answer fails",
        does="When an answer fails, what you had sent and what had come is kept, encrypted under a key of your own, so that "
        "the fault can be found.",
        who_sees="You alone. You can read each copy and delete it. If you attach one to a request for help, it becomes part "
        "of that request; only then can the operator of this site read it, and you see that it was read.",
        how_long="Each copy is deleted by itself when its time is up.",
        ends="You can switch this off at any moment. No more copies are kept, and those that were kept are deleted "
        "unless you choose otherwise.",
    ),
    Purpose.PREFERENCE_COOKIES: Wording(
        revision=1,
        title="Remember how I like the pages to look",
        does="The theme and the text size you chose are kept in a cookie, so that they are still there on your next visit.",
        who_sees="This site alone, when your browser asks it for a page. The cookie says nothing about who you are.",
        how_long="The cookie lasts a year from the day you chose.",
        ends="You can switch this off at any moment. The cookie is deleted, and a choice of looks then lasts until you close "
        "the browser.",
    ),
    Purpose.ANALYTICS: Wording(
        revision=1,
        title="Count the pages I open",
        does="When you open a page, the day's counter for that kind of page goes up by one. Neither who you are, nor your "
        "address, your browser, or what you wrote is noted with it.",
        who_sees="The operator of this site sees the totals of each day. Nobody else does, and no other company is involved.",
        how_long="The totals are deleted when their time is up.",
        ends="You can switch this off at any moment, and nothing more is counted. The totals hold nothing that could be told "
        "to be yours. A browser that sends Global Privacy Control is never counted.",
    ),
    Purpose.PRODUCT_UPDATES: Wording(
        revision=1,
        title="Send me news about this service",
        does="Now and then you get an e-mail about what is new here. Mail that your account needs comes either way.",
        who_sees="The operator of this site, who sends it to the address of your account.",
        how_long="Until you switch it off, or your account is erased.",
        ends="You can switch this off at any moment, here or with one click in each such mail.",
    ),
}


INTERESTS: dict[Interest, Wording] = {
    Interest.STATISTICS: Wording(
        revision=1,
        title="Count my requests in statistics",
        does="The operator may add up how many requests all people together made on a day, to which models, with how many "
        "tokens. The sums name nobody.",
        who_sees="The operator of this site, to see what is needed and what fails.",
        how_long="The sums are made when they are asked for, from records that are kept anyway, and are not stored.",
        ends="You can object at any moment. Your requests are left out of every sum that is made from then on.",
    ),
}

# Words that were once in force, for the receipts of those who agreed to them: a wording that is replaced moves here.
EARLIER: dict[Purpose | Interest, tuple[Wording, ...]] = {}


def offered(names: tuple[str, ...]) -> tuple[Purpose, ...]:
    """Return the purposes a profile offers that also have words, in the profile's order."""
    return tuple(purpose for purpose in map(Purpose, names) if purpose in WORDINGS)


def wording_of(subject: Purpose | Interest) -> Wording:
    """Return the words in force."""
    return INTERESTS[subject] if isinstance(subject, Interest) else WORDINGS[subject]


def subject_called(name: str) -> Purpose | Interest:
    """Return the purpose or the interest that the ledger calls `name`. Raises ValueError."""
    return Interest(name) if name in INTERESTS else Purpose(name)


def find_wording(subject: Purpose | Interest, hash_: str) -> Wording | None:
    """Return the words with this hash, if they are or once were the words of `subject`."""
    return next((one for one in (wording_of(subject), *EARLIER.get(subject, ())) if one.hash == hash_), None)
