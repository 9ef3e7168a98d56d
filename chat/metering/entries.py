"""What requests write before they begin and when they have ended; what many write at the same moment goes together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from chat.kernel.errors import TooMany
from chat.kernel.profile import Profile
from chat.metering.budgets import Reserve, Settle, lock, reserve_all, settle_all
from chat.metering.ledger import write_usage


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that has ended, with its row of usage."""

    settle: Settle
    row: dict[str, object]
    profile: Profile = field(repr=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """A call that held nothing and has ended, with its row of usage."""

    row: dict[str, object]
    profile: Profile = field(repr=False)


def write_counted(connection: sa.Connection, calls: Sequence[Counted]) -> list[None]:
    """Add the rows of calls; work for the `Clerk`."""
    write_usage(connection, [one.row for one in calls], calls[0].profile)
    return [None] * len(calls)


def write_entries(connection: sa.Connection, entries: Sequence[Reserve | Ended]) -> list[TooMany | None]:
    """Settle what has ended and reserve what begins; work for the `Clerk`. Return why each may not begin, or None."""
    ended = [one for one in entries if isinstance(one, Ended)]
    begun = [one for one in entries if isinstance(one, Reserve)]
    lock(connection, {one.settle.held.key for one in ended} | {one.held.key for one in begun})
    if ended:  # first: it makes room for what wants to begin
        settled = settle_all(connection, [one.settle for one in ended])
        rows = [one.row for one, did in zip(ended, settled, strict=True) if did]
        if rows:
            write_usage(connection, rows, ended[0].profile)
    refusals = iter(reserve_all(connection, begun) if begun else ())
    return [next(refusals) if isinstance(one, Reserve) else None for one in entries]
