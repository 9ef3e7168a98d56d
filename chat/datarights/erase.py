"""Erasing all that an account keeps, or the account itself, whatever crashes meanwhile.

The order: write down the intent; remove rows in batches, the account's own row last; destroy the key; read back; only then
issue the certificate. Each step is one transaction and begins where the last one that was committed ended (docs/deletion.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.datarights import removal
from chat.datarights.certificate import certify
from chat.datarights.models_erase import Erasure, Scope, State
from chat.datarights.personal_data_erase import SHOWN_FOR
from chat.kernel.db import db, truncate_journal
from chat.kernel.errors import NotFound, Problem
from chat.kernel.ids import public_id
from chat.kernel.keyring import Keyring, subject_of
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile
from chat.kernel.signing import Document, SigningKeys

# Somebody who reads at this very moment keeps SQLite's journal from being emptied; a moment later they have finished.
_TRIES_AT_THE_JOURNAL = 20


class NotErased(Exception):
    """Something of the account is still there. The message says of which kind, never whose."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an erasure works on."""

    stores: Sequence[Store]
    keyring: Keyring
    profile: Profile

    def of(self, scope: str) -> list[Store]:
        """Return the tables that an erasure of this scope goes through, in order."""
        stores = removal.about_people(self.stores)
        if scope == Scope.ACCOUNT:
            return stores
        return [store for store in stores if store.owner is not None and not store.part_of_account and not store.stays]


def intend(account: Account, scope: Scope, *, asked_by: str, now: datetime) -> Erasure:
    """Write down that this is to be erased, and return the row; or the one that says so already.

    All that was asked for less is part of an account's erasure.
    """
    _hold(account.id)
    found = db.session.scalars(sa.select(Erasure).where(Erasure.account == account.public_id)).one_or_none()
    if found is None:
        found = Erasure(
            public_id=public_id(),
            scope=scope,
            state=State.WAITING,
            subject=subject_of(account.public_id),
            asked_by=asked_by,
            asked_at=now,
            removed={},
            kept={},
            account=account.public_id,
            number=account.id,
        )
        db.session.add(found)
    if scope == Scope.ACCOUNT:
        found.scope = scope
    db.session.flush()  # who comes second finds it
    return found


def begin(account: Account, scope: Scope, *, asked_by: str, now: datetime) -> Erasure:
    """Begin to erase the account, or what it keeps. From the commit on there is no way back, and no way in.

    Return what is under way already, if somebody was faster.
    """
    erasure = intend(account, scope, asked_by=asked_by, now=now)
    if erasure.state == State.WAITING:
        erasure.state = State.REMOVING
        erasure.began_at = now
    if erasure.scope == Scope.ACCOUNT:
        account.active = False
        account.fs_uniquifier = uuid4().hex
        account.closing_at = now
    return erasure


def get_erasure(reference: str) -> Erasure:
    """Return the erasure of this number. Raises NotFound."""
    found = db.session.scalars(sa.select(Erasure).where(Erasure.public_id == reference)).one_or_none()
    if found is None:
        raise NotFound("There is no erasure of this number, or it was too long ago to be shown.")
    return found


def get_certificate(erasure: Erasure, keys: SigningKeys) -> Document:
    """Return the signed certificate of an erasure that is done; it is the same each time. Raises Problem before that."""
    if erasure.document is None:
        raise Problem("This is not erased yet. Look again later: it is tried until it is done.")
    return keys.sign(erasure.document)


def advance(reference: str, ground: Ground, now: datetime) -> State:
    """Do the next step, and return what the erasure has come to. The caller commits it before asking again.

    Raises NotErased when something is left that must not be.
    """
    erasure = _held(reference)
    match State(erasure.state):
        case State.REMOVING:
            _remove(erasure, ground)
        case State.KEY:
            assert erasure.account
            _remove_stragglers(erasure, ground)
            ground.keyring.bury(erasure.account, now.date())
            erasure.state = State.READING
        case State.READING:
            _read_back(erasure, ground)
            _finish(erasure, ground, now)
        case State.WAITING | State.DONE:
            pass
    return State(erasure.state)


def empty_the_journals(keyring: Keyring) -> None:
    """Empty SQLite's journals, outside of any transaction. Raises NotErased when somebody reads for too long."""
    for which, empty in (("database", truncate_journal), ("keyring", keyring.empty_journal)):
        if not any(empty() for _try in range(_TRIES_AT_THE_JOURNAL)):
            raise NotErased(f"the {which}'s journal is still being read")


def note_failure(reference: str, failure: Exception, now: datetime) -> None:
    """Write down that the erasure is not done, and what stood in its way."""
    erasure = _held(reference)
    if isinstance(failure, NotErased) and erasure.state == State.READING and erasure.scope == Scope.ACCOUNT:
        erasure.state = State.KEY  # what reading back found must go before it is read back again
    erasure.attempts += 1
    erasure.failed_at = now
    # Our own sentence where it is ours; a library's may quote a row.
    erasure.fault = (str(failure) if isinstance(failure, NotErased) else type(failure).__name__)[:200]


def list_unfinished() -> list[str]:
    """Return the numbers of the erasures that are not done, the oldest first."""
    return list(
        db.session.scalars(
            sa.select(Erasure.public_id).where(Erasure.state.not_in((State.WAITING, State.DONE))).order_by(Erasure.began_at)
        )
    )


def _remove(erasure: Erasure, ground: Ground) -> None:
    """Take one batch; when none is left, the rest at once under the account's lock."""
    assert erasure.account
    assert erasure.number
    is_there = sa.select(Account.id).where(Account.id == erasure.number, Account.public_id == erasure.account)
    if db.session.scalar(is_there) is None:
        # The row went in another way, and everything that hangs from it. Its number may be somebody else's by now.
        erasure.state = State.KEY
        return
    stores = ground.of(erasure.scope)
    for store in stores:
        if store.model is not Account and _take(erasure, store):
            return
    _hold(erasure.number)
    for store in stores:  # what an answer that was arriving has added since
        while _take(erasure, store):
            pass
    if left := removal.find_left(stores, erasure.number, erasure.account if erasure.scope == Scope.ACCOUNT else None):
        raise NotErased(_sentence(left))
    if erasure.scope == Scope.ACCOUNT:
        erasure.state = State.KEY
    else:
        # Nothing is left that the old key would open, and nobody can write under it before the lock is let go.
        ground.keyring.replace(erasure.account)
        erasure.state = State.READING


def _remove_stragglers(erasure: Erasure, ground: Ground) -> None:
    """Take what a table without a foreign key got after the account's own row was gone."""
    if not _is_taken_again(erasure):
        for store in ground.of(erasure.scope):
            while _take(erasure, store):
                pass


def _is_taken_again(erasure: Erasure) -> bool:
    """Whether another account has the number by now. SQLite gives the highest one again once it is free."""
    return db.session.scalar(sa.select(Account.id).where(Account.id == erasure.number)) is not None


def _take(erasure: Erasure, store: Store) -> int:
    assert erasure.account
    assert erasure.number
    whole = erasure.scope == Scope.ACCOUNT
    count = removal.take(store, erasure.number, erasure.account, names=whole)
    if count:
        counts = erasure.kept if store.stays else erasure.removed
        counts = {**counts, store.title: counts.get(store.title, 0) + count}
        if store.stays:
            erasure.kept = counts
        else:
            erasure.removed = counts
        db.session.flush()
    return count


def _read_back(erasure: Erasure, ground: Ground) -> None:
    """Raise NotErased unless every table says that it has nothing, and the keyring that it has no key."""
    if erasure.scope != Scope.ACCOUNT:
        return  # read back under the account's lock: it lives on, and may have written something new by now
    assert erasure.account
    if db.session.scalar(sa.select(Account.id).where(Account.public_id == erasure.account)) is not None:
        raise NotErased("the account's own row is still there")
    # Rows under a number that was given again are somebody else's, and the reading before it was free stands.
    number = None if _is_taken_again(erasure) else erasure.number
    left = removal.find_left(ground.of(erasure.scope), number, erasure.account)
    if left:
        raise NotErased(_sentence(left))
    if ground.keyring.holds(erasure.account):
        raise NotErased("the account's key is still there")


def _finish(erasure: Erasure, ground: Ground, now: datetime) -> None:
    erasure.ended_at = now
    erasure.expires_at = now + SHOWN_FOR
    erasure.document = certify(erasure, ground.of(erasure.scope), ground.profile)
    erasure.state = State.DONE
    erasure.account = erasure.number = None
    erasure.fault = ""
    db.session.flush()


def _sentence(left: dict[str, int]) -> str:
    return "left: " + ", ".join(f"{title} {count}" for title, count in sorted(left.items()))


def _held(reference: str) -> Erasure:
    """Return the erasure as it is now, with everybody else waiting until this transaction ends."""
    db.session.execute(
        sa.update(Erasure).where(Erasure.public_id == reference).values(id=Erasure.id),
        execution_options={"synchronize_session": False},
    )
    return db.session.scalars(
        sa.select(Erasure).where(Erasure.public_id == reference).execution_options(populate_existing=True)
    ).one()


def _hold(number: int) -> None:
    """Let nobody write anything that points to the account until this transaction ends."""
    db.session.execute(
        sa.update(Account).where(Account.id == number).values(id=Account.id), execution_options={"synchronize_session": False}
    )
    # On PostgreSQL the update alone lets others add rows that point here; this does not. SQLite has one writer anyway.
    db.session.execute(sa.select(Account.id).where(Account.id == number).with_for_update())
