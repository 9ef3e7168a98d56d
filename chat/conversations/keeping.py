"""For how long a saved conversation is kept: what the person chose, for all of theirs or for this one, within the site's limit.

Counted from its last message. A shorter time holds at once, also for what is there; a longer one holds for a conversation
that is asked to stay, and for the others from their next message on. What has ended is seen by no query here:
nothing revives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation, HistoryChoice
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.profile import Profile

# What is offered, as far as the site's limit goes; the limit itself always is.
USUAL_DAYS = (1, 7, 30, 90, 365)
_ROWS = 500


@dataclass(frozen=True, slots=True)
class Offer:
    """A lifetime that may be chosen, and how many saved conversations choosing it would end at once."""

    days: int
    ends_now: int


def list_days(profile: Profile) -> list[int]:
    """Return the lifetimes that this site offers, the shortest first."""
    longest = profile.retention.history_longest
    return sorted({days for days in (*USUAL_DAYS, profile.retention.history) if days <= longest} | {longest})


def list_offers(account: Account, profile: Profile, now: datetime) -> list[Offer]:
    """Return what the person may choose for all their conversations."""
    ages = db.session.scalars(_follows_the_account(account).with_only_columns(Conversation.kept_since)).all()
    return [Offer(days, sum(at + timedelta(days=days) <= now for at in ages)) for days in list_days(profile)]


def days_of(account: Account, profile: Profile) -> int:
    """Return for how many days the person's conversations are kept unless one has a time of its own."""
    chosen = db.session.scalar(sa.select(HistoryChoice.days).where(HistoryChoice.account_id == account.id))
    return _within(chosen or profile.retention.history, profile)


def keep_for(account: Account, own_days: int | None, profile: Profile) -> timedelta:
    """Return how long after its last message a conversation goes; `own_days` is what was chosen for it alone, if anything."""
    return timedelta(days=_within(own_days, profile) if own_days else days_of(account, profile))


def ends_at(conversation: Conversation, profile: Profile) -> datetime:
    """Return when the conversation goes, also where the site's limit has become shorter since it was written."""
    return min(conversation.expires_at, conversation.kept_since + timedelta(days=profile.retention.history_longest))


def choose(account: Account, days: int, profile: Profile, now: datetime) -> int:
    """Keep the person's conversations for so many days, and return how many are over with that. Raises Problem.

    Those that would have lived longer live as long as now chosen; none lives longer than it would have.
    """
    _check(days, profile)
    _wait_for_writers(account)
    row = db.session.scalars(sa.select(HistoryChoice).where(HistoryChoice.account_id == account.id)).one_or_none()
    if row is None:
        db.session.add(HistoryChoice(account_id=account.id, days=days))
    else:
        row.days = days
    found = _follows_the_account(account).with_only_columns(Conversation.id, Conversation.kept_since, Conversation.expires_at)
    earlier = [
        (row_id, kept_since + timedelta(days=days))
        for row_id, kept_since, expires_at in db.session.execute(found)
        if kept_since + timedelta(days=days) < expires_at
    ]
    _set_ends(earlier)
    return sum(ends <= now for _row_id, ends in earlier)


def choose_for(account: Account, conversation: Conversation, days: int | None, profile: Profile) -> None:
    """Keep this one for so many days after its last message, or for as long as the others (None). Raises Problem."""
    if days is not None:
        _check(days, profile)
    _wait_for_writers(account)
    db.session.refresh(conversation)
    conversation.own_days = days
    conversation.expires_at = conversation.kept_since + keep_for(account, days, profile)


def _follows_the_account(account: Account) -> sa.Select[Conversation]:
    return sa.select(Conversation).where(Conversation.account_id == account.id, Conversation.own_days.is_(None))


def _set_ends(ends: Sequence[tuple[int, datetime]]) -> None:
    for start in range(0, len(ends), _ROWS):
        some = [{"id": row_id, "expires_at": moment} for row_id, moment in ends[start : start + _ROWS]]
        db.session.execute(sa.update(Conversation), some)


def _wait_for_writers(account: Account) -> None:
    # A question on its way takes the same lock before it asks for how long it is kept: it sees this choice, or comes before it.
    ledger.holds(account, Purpose.HISTORY)


def _within(days: int, profile: Profile) -> int:
    return min(days, profile.retention.history_longest)


def _check(days: int, profile: Profile) -> None:
    if not 1 <= days <= profile.retention.history_longest:
        raise Problem(
            _(
                "Choose between 1 and %(longest)d days: this site keeps nothing longer.",
                longest=profile.retention.history_longest,
            )
        )
