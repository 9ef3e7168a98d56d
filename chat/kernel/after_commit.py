"""Things to do once a transaction is committed, and never if it is rolled back. They may not use the database."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from chat.kernel.db import db

_WAITING = "after_commit"


def after_commit(act: Callable[[], None]) -> None:
    """Do `act` when the current transaction is committed."""
    db.session().info.setdefault(_WAITING, []).append(act)


@sa.event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    for act in session.info.pop(_WAITING, ()):
        act()


@sa.event.listens_for(Session, "after_rollback")
def _rolled_back(session: Session) -> None:
    session.info.pop(_WAITING, None)
