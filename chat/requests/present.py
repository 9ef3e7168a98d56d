"""What the requests' templates are given."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from chat.kernel.profile import Profile
from chat.requests.letters import Kind
from chat.requests.models import PersonRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    reference: str
    title: str
    received_at: datetime
    due_at: datetime
    answered_at: datetime | None
    expires_at: datetime
    is_late: bool


def request_view(row: PersonRequest, now: datetime) -> RequestView:
    return RequestView(
        reference=row.public_id,
        title=title(Kind(row.kind)),
        received_at=row.received_at,
        due_at=row.due_at,
        answered_at=row.answered_at,
        expires_at=row.expires_at,
        is_late=row.answered_at is None and row.due_at < now,
    )


def choices(profile: Profile) -> list[tuple[str, str]]:
    """Return what one may ask for on this site."""
    offered = [kind for kind in Kind if kind is not Kind.SUPPORT or profile.features.offers("support")]
    return [(kind.value, title(kind)) for kind in offered]


def title(kind: Kind) -> str:
    titles: dict[Kind, str] = {
        Kind.ACCESS: _("What is held about me"),
        Kind.CORRECTION: _("Something about me is wrong"),
        Kind.DELETION: _("Delete something about me"),
        Kind.RESTRICTION: _("Keep my data, but use it for nothing"),
        Kind.OBJECTION: _("I object to a use of my data"),
        Kind.COMPLAINT: _("A complaint"),
        Kind.QUESTION: _("A question"),
        Kind.SUPPORT: _("Help with the service"),
        Kind.SECURITY: _("A weakness in the security of this site"),
        Kind.CHILD: _("An account of a child"),
    }
    return titles[kind]
