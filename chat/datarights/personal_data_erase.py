from datetime import timedelta

from chat.datarights.models_erase import Erasure
from chat.kernel.personal_data import Basis, Store

# How long a certificate can be fetched again under its number.
SHOWN_FOR = timedelta(days=90)

ERASURE_STORES = (
    Store(
        model=Erasure,
        title="Erasures",
        holds="that somebody's data was erased, when, and how many rows of which kind; until that is done also which "
        "account, and where to send the certificate; afterwards a mark that leads to nobody",
        why="to finish an erasure after a crash, and to show its certificate again to whoever has its number",
        basis=Basis.LEGAL_DUTY,
        born=Erasure.asked_at,
        expires=Erasure.expires_at,
        keep_for=lambda _profile: SHOWN_FOR,
        withheld=(
            "id", "public_id", "scope", "state", "subject", "asked_by", "asked_at", "began_at", "ended_at", "expires_at",
            "removed", "kept", "document", "attempts", "failed_at", "fault", "account", "number", "address",
        ),
    ),
)  # fmt: skip
