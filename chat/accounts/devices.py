"""Sign-ins as rows: a copied cookie dies with its row, and people see and end their other sign-ins.

Flask-Security alone only deletes the cookie at sign-out, so a copy of it would go on working.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from chat.accounts.models import Account, Device
from chat.kernel.db import db
from chat.kernel.errors import NotFound
from chat.kernel.ids import public_id

REMEMBERED = timedelta(days=30)
# A browser that stays open keeps its session cookie for ever; the row behind it does not.
UNREMEMBERED = timedelta(days=7)

# In order: each of these also claims to be the ones after it.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def name_of(user_agent: str) -> str:
    """Return a coarse name like "Firefox on Linux": no version, no model, nothing that would single a person out."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "an unknown system")
    return f"{browser} on {system}"


def add_device(
    account: Account, *, name: str, address: str | None, country: str | None = None, remembered: bool, now: datetime
) -> Device:
    """Record a sign-in and return it; the caller puts its public id into the session."""
    device = Device(
        public_id=public_id(),
        account_id=account.id,
        name=name,
        address=address,
        country=country,
        signed_in_at=now,
        last_used_on=now.date(),
        expires_at=now + (REMEMBERED if remembered else UNREMEMBERED),
    )
    db.session.add(device)
    return device


def find_signed_in(uniquifier: str, device: str, now: datetime) -> tuple[Account, Device] | None:
    """Return the account and sign-in that a session points to, if both still stand: one query."""
    found = db.session.execute(
        sa.select(Account, Device)
        .join(Device, Device.account_id == Account.id)
        .where(
            Account.fs_uniquifier == uniquifier,
            Account.active.is_(True),
            Device.public_id == device,
            Device.expires_at > now,
        )
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def list_devices(account: Account, now: datetime) -> Sequence[Device]:
    """Return the account's sign-ins that still hold, the latest first."""
    return db.session.scalars(
        sa.select(Device)
        .where(Device.account_id == account.id, Device.expires_at > now)
        .order_by(Device.signed_in_at.desc(), Device.id.desc())
    ).all()


def revoke(account: Account, device: str) -> None:
    """End one of the account's sign-ins. Raises NotFound."""
    if not _delete(sa.delete(Device).where(Device.account_id == account.id, Device.public_id == device)):
        raise NotFound("There is no such sign-in, or it has ended.")


def revoke_all(account: Account, but: str | None = None) -> int:
    """End all of the account's sign-ins except the one with the public id `but`. Return how many ended."""
    gone = sa.delete(Device).where(Device.account_id == account.id)
    if but is not None:
        gone = gone.where(Device.public_id != but)
    return _delete(gone)


def forget(device: str) -> None:
    """End the sign-in with this public id, if it still stands."""
    db.session.execute(sa.delete(Device).where(Device.public_id == device))


def note_use(device: str, now: datetime) -> None:
    """Write down today as the day the sign-in was last used, in a transaction of its own."""
    with db.engine.begin() as connection:
        connection.execute(sa.update(Device).where(Device.public_id == device).values(last_used_on=now.date()))


def _delete(statement: sa.Delete) -> int:
    result = db.session.execute(statement)
    assert isinstance(result, sa.CursorResult)
    return result.rowcount
