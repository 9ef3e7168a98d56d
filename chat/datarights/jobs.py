"""Carrying erasures out: what was just asked for, accounts whose grace is over, and what a crash or a fault stopped."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from chat.accounts.models import Account
from chat.datarights import closing, erase, letters
from chat.datarights.erase import Ground
from chat.datarights.models_erase import Scope, State
from chat.kernel import clock
from chat.kernel.db import db, fold_journal, truncate_journal
from chat.kernel.personal_data import current_stores
from chat.kernel.signing import Document
from chat.kernel.site import Site, current_site

log = logging.getLogger("chat.datarights")

ERASE_JOB = "datarights.erase"
RESTORED_JOB = "datarights.restored"
RESTORED = "restored"  # asked for by nobody now: the person asked before the backup was put back
_MARGIN = timedelta(days=2)  # the day of a backup is known no more exactly than that


def erase_what_is_due() -> int:
    """Erase the accounts whose grace is over, and finish what was begun. Return how many. Raises the first failure at last."""
    failures: list[Exception] = []
    for account in closing.list_due(clock.now()):
        _begin(account, current_site())
    numbers = erase.list_unfinished()
    db.session.commit()
    for number in numbers:
        try:
            carry_out(number)
        except Exception as failure:  # noqa: BLE001  # recorded; the others must not wait for this one
            failures.append(failure)
    if failures:
        raise failures[0]
    return len(numbers)


def erase_what_came_back() -> int:
    """Erase again who is back in a database restored from before their erasure. Return how many."""
    site, now = current_site(), clock.now()
    if site.profile.retention.backups is not None:
        site.keyring.forget_buried((now - timedelta(days=site.profile.retention.backups) - _MARGIN).date())
    found = site.keyring.find_buried(db.session.scalars(sa.select(Account.public_id).order_by(Account.id)))
    for account in db.session.scalars(sa.select(Account).where(Account.public_id.in_(found))).all() if found else ():
        erasure = erase.begin(account, Scope.ACCOUNT, asked_by=RESTORED, now=now)
        letters.keep_address(erasure, account, site)
        log.warning("an erased account is back from a backup, and is erased again")
    db.session.commit()
    if found:
        erase_what_is_due()
    return len(found)


def carry_out(number: str) -> Document:
    """Erase to the end and return the signed certificate. Raises what stands in the way, once that is recorded."""
    site = current_site()
    ground = Ground(current_stores(), site.keyring, site.profile)
    try:
        for _state in steps(number, ground, site):
            db.session.commit()
            fold_journal()  # here, not in the commit of somebody else who writes a little
    except Exception as failure:
        db.session.rollback()
        erase.note_failure(number, failure, clock.now())
        db.session.commit()
        log.error("an erasure could not be finished; it will be tried again", extra={"code": type(failure).__name__})  # noqa: TRY400  # the job or the page says where
        raise
    truncate_journal()  # what the erasure itself knew of the account
    return erase.get_certificate(erase.get_erasure(number), site.signing)


def steps(number: str, ground: Ground, site: Site) -> Iterator[State]:
    """Do one step after the other; whoever asks for the next one has committed the last."""
    state = State(erase.get_erasure(number).state)
    yield state
    while state is not State.DONE:
        if state is State.READING:
            erase.empty_the_journals(site.keyring)
        state = erase.advance(number, ground, clock.now())
        if state is State.DONE:
            erasure = erase.get_erasure(number)
            letters.send_certificate(erasure, erase.get_certificate(erasure, site.signing), site)
        yield state


def _begin(account: Account, site: Site) -> None:
    erasure = erase.begin(account, Scope.ACCOUNT, asked_by="person", now=clock.now())
    letters.keep_address(erasure, account, site)
