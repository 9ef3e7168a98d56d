"""Personal data is declared where it is stored: one `Store` a table.

Retention, erasure, export and the policy page read these declarations and name no table. A table without one fails
tests/shape/test_inventory.py. The sentences are printed for people as they stand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app

from chat.kernel.db import Base, db
from chat.kernel.profile import Profile


class Basis(StrEnum):
    """The legal bases of GDPR Art. 6(1) that this software can stand on."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_DUTY = "legal duty"
    LEGITIMATE_INTEREST = "legitimate interest"


@dataclass(frozen=True, kw_only=True)
class Store:
    """What one table holds about people, why, and for how long."""

    model: type[Base]
    title: str  # its heading on "your data", a word or two
    holds: str
    why: str
    basis: Basis
    purpose: str | None = None  # the consent that permits it, where the basis is consent
    letter: str | None = None  # its content is what people write to the site itself, and stands on no consent (consent.gate)
    owner: Any = None  # the column with the account's row id; None: the table is about nobody
    born: Any = None  # the column from which its age counts
    keep_for: Callable[[Profile], timedelta] | None = None  # None: as long as the account, as `why` explains
    expires: Any = None  # the column with the row's own last moment, where rows have one; it decides, not born and keep_for
    longest: Callable[[Profile], timedelta] | None = None  # how long since `born` a row lives at most, whatever `expires` says
    # Who may read it beside its owner, in words, and under which consent of the owner's; "" stands for under none.
    read_by: Mapping[str, str] = field(default_factory=dict)
    # What is written in the transaction that deletes rows whose time is up, from their values: a sum that outlives them.
    folds: Callable[[Sequence[Mapping[str, Any]], Profile], None] | None = None
    needs: tuple[str, ...] = ()  # further consents without which its rows may not be: the withdrawal of one reaches them too
    # Why its rows outlive their owner's erasure; the owner's column is set empty then.
    stays: str | None = None
    # Further columns that may name an account by its public id, whoever acted for one; they lose it with the account.
    also_names: tuple[Any, ...] = ()
    # The account is not one without it: deleting all that somebody keeps here leaves it, deleting the account does not.
    part_of_account: bool = False
    goes_with: type[Base] | None = None  # its rows have no age of their own: they go when their row of this table goes
    exported: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    # What a sealed column holds, as JSON can say it: from the row's public id and the opened bytes. None named: it is text.
    opened: Mapping[str, Callable[[str, bytes], object]] = field(default_factory=dict)
    # Further names in the export, for the row that one of ours points to: (our foreign key, that table's public id).
    linked: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    shown: Any = None  # a condition: which rows their owner may see; None: all


_EXTENSION = "candor_stores"


def mount_stores(app: Flask, stores: tuple[Store, ...]) -> None:
    """Tell the application what its features declared."""
    app.extensions[_EXTENSION] = stores


def current_stores() -> tuple[Store, ...]:
    """Return every declaration of the running application."""
    stores: tuple[Store, ...] = current_app.extensions[_EXTENSION]
    return stores


def stands_on(store: Store, purpose: str) -> bool:
    """Whether the table's rows may be there only as long as there is consent to `purpose`."""
    return purpose == store.purpose or purpose in store.needs


def delete_owned(store: Store, owner_id: int) -> int:
    """Delete the rows of one table that belong to one account and return how many went."""
    if store.owner is None:
        return 0
    result = db.session.execute(
        sa.delete(store.model).where(store.owner == owner_id), execution_options={"synchronize_session": False}
    )
    count: int = result.rowcount  # type: ignore[attr-defined]  # a delete's result has it; the annotation is the general one
    return count
