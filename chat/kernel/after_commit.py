"""Things to do once a transaction is committed, and never if it is rolled back. They may not use its session."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session, SessionTransaction

from chat.kernel.db import db

_WAITING = "after_commit"


def after_commit(act: Callable[[], None]) -> None:
    """Do `act` when the current transaction is committed."""
    session = db.session()
    if not session.in_transaction():
        session.begin()  # else a rollback before the first statement would be none, and `act` would wait for the next commit
    session.info.setdefault(_WAITING, []).append(act)


@sa.event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    for act in session.info.pop(_WAITING, ()):
        act()


@sa.event.listens_for(Session, "after_soft_rollback")
def _rolled_back(session: Session, _previous: SessionTransaction) -> None:
    session.info.pop(_WAITING, None)
