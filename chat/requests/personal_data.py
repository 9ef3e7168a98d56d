from datetime import timedelta

from chat.consent.gate import Letter
from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Profile
from chat.requests.models import PersonRequest


def _keep_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.requests)


STORES = (
    Store(
        model=PersonRequest,
        title="Your requests",
        owner=PersonRequest.account_id,
        holds="what you asked of the operator of this site, when, by when it is due, and the answer",
        why="to answer you, and to be able to show that it was done in time; it goes when you take it back",
        basis=Basis.LEGAL_DUTY,
        letter=Letter.REQUEST,
        read_by={"": "the operator of this site, to answer it; each reading is recorded and stands beside the request"},
        born=PersonRequest.received_at,
        expires=PersonRequest.expires_at,
        keep_for=_keep_for,
        exported=("public_id", "kind", "received_at", "due_at", "answered_at", "expires_at", "words", "answer"),
        withheld=("id", "account_id"),
    ),
)
