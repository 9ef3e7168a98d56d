"""The reports of past verifications: written after each, read by the policy page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from chat.kernel.db import db
from chat.policy.models import VerificationReport
from chat.policy.promise import State

# A run of a single promise is a report too; so far back is looked for the newest word on each.
_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Result:
    """What the check of one promise found."""

    id: str
    state: State
    evidence: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The newest word on one promise."""

    state: State
    evidence: str
    at: datetime


def keep(results: Iterable[Result], policy_hash: str, now: datetime) -> None:
    """Write the results down as a report."""
    promises = [{"id": one.id, "state": one.state.value, "evidence": one.evidence} for one in results]
    db.session.add(VerificationReport(checked_at=now, policy_hash=policy_hash, promises=promises))


def latest() -> dict[str, Checked]:
    """Return the newest word on each promise that was ever checked, by its id."""
    newest = sa.select(VerificationReport).order_by(VerificationReport.checked_at.desc(), VerificationReport.id.desc())
    found: dict[str, Checked] = {}
    for report in db.session.scalars(newest.limit(_LOOKED_AT)):
        for one in report.promises:
            found.setdefault(one["id"], Checked(State(one["state"]), one["evidence"], report.checked_at))
    return found
