"""Making, finding and ending API keys. The key itself exists in the answer that shows it, and nowhere else here."""

import hmac
import ipaddress
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from chat.accounts.freezing import check_in_use
from chat.accounts.models import Account
from chat.gateway.models import ApiKey
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Problem
from chat.kernel.ids import public_id
from chat.providers.demands import Demands
from chat.providers.passing import Protocol

START = "ck-"
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 43  # 256 bits in letters and digits
MOST_KEYS = 100
LONGEST_OVERLAP = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a key may do, and how much. None is no limit."""

    expires_at: datetime | None = None
    endpoints: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    budget_day: int | None = None
    budget_week: int | None = None
    budget_month: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    parallel: int | None = None
    no_training: bool = False
    zero_retention: bool = False
    regions: tuple[str, ...] | None = None

    @property
    def demands(self) -> Demands:
        """What is demanded of whoever answers with this key, beside what its account and the site demand."""
        regions = None if self.regions is None else frozenset(self.regions)
        return Demands(self.no_training, 0 if self.zero_retention else None, regions)

    def as_columns(self) -> dict[str, Any]:
        """Return the values for the key's row. Raises Problem for what cannot be kept."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.networks is not None:
            values["networks"] = [read_network(one) for one in self.networks]
        for name in ("endpoints", "models", "regions"):
            values[name] = None if values[name] is None else list(values[name])
        if unknown := sorted(set(self.endpoints or ()) - {one.value for one in Protocol}):
            raise Problem(f"There is no endpoint called {', '.join(unknown)}.")
        return values


@dataclass(frozen=True, slots=True)
class Made:
    """A new key: its row, and the words that are shown this once."""

    row: ApiKey
    key: str = field(repr=False)


def digest_of(key: str, secret: bytes) -> bytes:
    """Return the keyed hash under which `key` is kept."""
    return hmac.digest(secret, key.encode("utf-8", "replace"), "sha256")


def make_key(account: Account, name: str, terms: Terms, secret: bytes, now: datetime) -> Made:
    """Return a new key of the account. Raises Problem when it has as many as one may have, or is frozen."""
    words = _name(name)
    check_in_use(account.id)
    count = db.session.scalar(sa.select(sa.func.count()).where(ApiKey.account_id == account.id)) or 0
    if count >= MOST_KEYS:
        raise Problem(f"An account can have {MOST_KEYS} keys. Delete one that is not used any more.")
    key = START + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    row = ApiKey(
        public_id=public_id(),
        account_id=account.id,
        name=words,
        prefix=key[len(START) : len(START) + 8],
        last_four=key[-4:],
        digest=digest_of(key, secret),
        created_at=now,
        **terms.as_columns(),
    )
    db.session.add(row)
    return Made(row, key)


def rotate_key(row: ApiKey, account: Account, overlap: timedelta, secret: bytes, now: datetime) -> Made:
    """Return a key with the same terms; the old one goes on for `overlap`, so that programs can be changed meanwhile."""
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise Problem(f"The old key can go on for at most {LONGEST_OVERLAP.days} days.")
    made = make_key(account, row.name, terms_of(row), secret, now)
    ends = now + overlap
    row.expires_at = ends if row.expires_at is None else min(row.expires_at, ends)
    return made


def terms_of(row: ApiKey) -> Terms:
    """Return the terms of an existing key."""
    values = {name: getattr(row, name) for name in Terms.__dataclass_fields__}
    for name in ("endpoints", "models", "networks", "regions"):
        values[name] = None if values[name] is None else tuple(values[name])
    return Terms(**values)


def list_keys(account: Account) -> Sequence[ApiKey]:
    """Return the account's keys, the newest first."""
    return db.session.scalars(
        sa.select(ApiKey).where(ApiKey.account_id == account.id).order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    ).all()


def get_key(account: Account, key_id: str) -> ApiKey:
    """Return one of the account's keys by its public id. Raises NotFound."""
    found = db.session.scalar(sa.select(ApiKey).where(ApiKey.account_id == account.id, ApiKey.public_id == key_id))
    if found is None:
        raise NotFound("There is no such key, or it was deleted.")
    return found


def find_key(key_id: str) -> tuple[ApiKey, Account] | None:
    """Return anybody's key by its public id, and whose it is: for the operator's command alone."""
    query = sa.select(ApiKey, Account).join(Account, Account.id == ApiKey.account_id).where(ApiKey.public_id == key_id)
    found = db.session.execute(query).one_or_none()
    return None if found is None else (found[0], found[1])


def change(row: ApiKey, name: str, terms: Terms) -> None:
    """Give the key another name and other terms; they hold within a second. Raises Problem."""
    row.name = _name(name)
    for column, value in terms.as_columns().items():
        setattr(row, column, value)


def disable(row: ApiKey, now: datetime) -> None:
    """End the key; programs that use it are refused within a second."""
    if row.disabled_at is None:
        row.disabled_at = now


def enable(row: ApiKey) -> None:
    """Let a disabled key work again."""
    row.disabled_at = None


def delete(row: ApiKey) -> None:
    """Delete the key. What was used with it stays in the usage, under its id."""
    db.session.delete(row)


def _name(text: str) -> str:
    words = " ".join(text.split())[:80]
    if not words:
        raise Problem("Give the key a name, so that you recognise it later.")
    return words


def note_use(connection: sa.Connection, key_id: str, day: date) -> None:
    """Write down the day on which a key was used last; an act for the clerk. Nothing finer is ever written."""
    connection.execute(
        sa.update(ApiKey)
        .where(ApiKey.public_id == key_id, sa.or_(ApiKey.last_used_on.is_(None), ApiKey.last_used_on < day))
        .values(last_used_on=day)
    )


def read_network(text: str) -> str:
    """Return an address or network as it is kept. Raises Problem."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise Problem(f"{text.strip()[:50]!r} is no address and no network like 192.0.2.0/24.") from None
