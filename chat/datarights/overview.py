"""Everything that is held about one person, counted at this moment, from what the tables declare."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from chat.datarights.holdings import content_columns, owned, select_rows, size_of_row
from chat.kernel.db import db
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One table's rows of one person."""

    store: Store
    count: int
    size: int
    oldest: datetime | None
    next_to_go: datetime | None  # when the first of them goes by itself; None: none does
    sealed: bool  # whether what they wrote is in it, under their own key
    goes_with: str = ""  # the title of the table whose rows take these with them


def list_held(owner_id: int, stores: Sequence[Store], profile: Profile) -> list[Held]:
    """Return what each table holds of the person, in the order the features are mounted in."""
    return [_held(store, owner_id, stores, profile) for store in owned(stores)]


def _held(store: Store, owner_id: int, stores: Sequence[Store], profile: Profile) -> Held:
    born = sa.null() if store.born is None else sa.func.min(store.born)
    expires = sa.null() if store.expires is None else sa.func.min(store.expires)
    counted = [sa.func.count(), sa.func.coalesce(sa.func.sum(size_of_row(store)), 0), born, expires]
    count, size, oldest, first_end = db.session.execute(select_rows(counted, store, owner_id)).one()
    return Held(
        store=store,
        count=count,
        size=int(size),
        oldest=oldest,
        next_to_go=first_end or _by_age(store, oldest, profile),
        sealed=bool(content_columns(store)),
        goes_with=next((one.title for one in stores if one.model is store.goes_with), ""),
    )


def _by_age(store: Store, oldest: datetime | None, profile: Profile) -> datetime | None:
    if store.expires is not None or store.keep_for is None or oldest is None:
        return None
    return oldest + store.keep_for(profile)
