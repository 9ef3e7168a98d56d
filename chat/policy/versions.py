"""The policy's versions: what was published, from when on it is in force, and which consents it asks for again.

A version is never changed. Which one is in force follows from the clock alone, so a material one takes effect by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from chat.kernel import clock
from chat.kernel.after_commit import after_commit
from chat.kernel.db import db
from chat.kernel.errors import NotFound
from chat.policy.models import PolicyVersion

_EXTENSION = "candor_policy_headers"
# Each page asks whether a change is announced, and each answer whether a consent still stands. What another process
# published is noticed this late at most; what takes effect meanwhile is noticed by the clock.
_FRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Header:
    """A version without its document."""

    number: int
    hash: str
    is_material: bool
    summary: str
    asks_again: tuple[str, ...]
    published_at: datetime
    in_force_at: datetime


def list_headers() -> tuple[Header, ...]:
    """Return every version, the newest first."""
    known: tuple[float, tuple[Header, ...]] | None = current_app.extensions.get(_EXTENSION)
    if known is not None and known[0] > clock.monotonic():
        return known[1]
    rows = db.session.execute(
        sa.select(
            PolicyVersion.number,
            PolicyVersion.hash,
            PolicyVersion.is_material,
            PolicyVersion.summary,
            PolicyVersion.asks_again,
            PolicyVersion.published_at,
            PolicyVersion.in_force_at,
        ).order_by(PolicyVersion.number.desc())
    )
    headers = tuple(Header(*row[:4], tuple(row[4]), *row[5:]) for row in rows)
    current_app.extensions[_EXTENSION] = (clock.monotonic() + _FRESH_SECONDS, headers)
    return headers


def forget_headers() -> None:
    """Let the next question ask the database."""
    current_app.extensions.pop(_EXTENSION, None)


def current_version(now: datetime) -> Header | None:
    """Return the version in force; None before the first one is published."""
    began = [one for one in list_headers() if one.in_force_at <= now]
    return max(began, key=lambda one: (one.in_force_at, one.number), default=None)


def coming_version(now: datetime) -> Header | None:
    """Return the version that is announced and takes effect next."""
    later = [one for one in list_headers() if one.in_force_at > now]
    if not later:
        return None
    soonest = min(one.in_force_at for one in later)
    return max((one for one in later if one.in_force_at == soonest), key=lambda one: one.number)


def last_version() -> Header | None:
    """Return the version published last, in force or not."""
    return next(iter(list_headers()), None)


def asks_again_since(purpose: str, now: datetime) -> datetime | None:
    """Return when the newest change that a consent to `purpose` depends on was announced, of those that have taken effect."""
    since = (
        one.published_at for one in list_headers() if one.is_material and one.in_force_at <= now and purpose in one.asks_again
    )
    return max(since, default=None)


def get_version(number: int) -> PolicyVersion:
    """Return a version with its document. Raises NotFound."""
    found = db.session.scalar(sa.select(PolicyVersion).where(PolicyVersion.number == number))
    if found is None:
        raise NotFound(_("The policy has no version with this number."))
    return found


def add_version(
    document: dict[str, Any],
    hash_: str,
    *,
    summary: str,
    is_material: bool,
    notice: timedelta,
    asks_again: Iterable[str] = (),
    now: datetime,
) -> PolicyVersion:
    """Return a new version: in force at once, or after `notice` if it is material.

    While a change is announced, nothing that is published after it takes effect before it: what is called minor then would
    otherwise bring the announced change with it.
    """
    last = db.session.scalar(sa.select(sa.func.max(PolicyVersion.number))) or 0
    latest = db.session.scalar(sa.select(sa.func.max(PolicyVersion.in_force_at)))
    in_force_at = now + notice if is_material else now
    version = PolicyVersion(
        number=last + 1,
        hash=hash_,
        document=document,
        is_material=is_material,
        summary=summary,
        asks_again=sorted(asks_again),
        published_at=now,
        in_force_at=max(in_force_at, latest) if latest else in_force_at,
    )
    db.session.add(version)
    db.session.flush()  # of two at once, one learns here that the number is taken
    forget_headers()
    after_commit(forget_headers)
    return version
