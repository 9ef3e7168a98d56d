"""What people may tell about themselves beyond what an account needs: optional, and only where the profile has room for it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from chat.accounts.models import Account, ProfileDetail
from chat.kernel.db import db
from chat.kernel.profile import ProfileField


def read_details(account: Account) -> dict[ProfileField, str]:
    """Return what the person told, by field."""
    rows = db.session.execute(sa.select(ProfileDetail.field, ProfileDetail.value).where(ProfileDetail.account_id == account.id))
    return {ProfileField(field): value for field, value in rows}


def fields_to_show(told: Iterable[ProfileField], asked: Iterable[ProfileField]) -> tuple[ProfileField, ...]:
    """Return the fields of the form: what the profile asks for, and what it once asked for and the person still has here."""
    wanted = {*asked, *told}
    return tuple(field for field in ProfileField if field in wanted)


def write_details(account: Account, told: Mapping[ProfileField, str], now: datetime) -> None:
    """Keep what the person told. An emptied field is a deleted row."""
    known = read_details(account)
    for field, value in told.items():
        if value == known.get(field, ""):
            continue
        db.session.execute(sa.delete(ProfileDetail).where(ProfileDetail.account_id == account.id, ProfileDetail.field == field))
        if value:
            db.session.add(ProfileDetail(account_id=account.id, field=field.value, value=value, written_at=now))
