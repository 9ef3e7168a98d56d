from datetime import timedelta

from chat.consent.purposes import Purpose
from chat.diagnostics.models import FailedExchange
from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Profile


def _keep_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.diagnostics)


STORES = (
    Store(
        model=FailedExchange,
        title="Failed answers",
        owner=FailedExchange.account_id,
        holds="what you had sent when an answer failed, what came of the answer until then, and our code for what went wrong",
        why="to find the fault, if you ask us to; you can read and delete each copy",
        basis=Basis.CONSENT,
        purpose=Purpose.DIAGNOSTICS,
        born=FailedExchange.failed_at,
        expires=FailedExchange.expires_at,
        keep_for=_keep_for,
        exported=("public_id", "failed_at", "expires_at", "source", "model", "provider", "code", "exchange"),
        withheld=("id", "account_id"),
    ),
)
