"""The reports are about the site, never about a person."""

from chat.kernel.personal_data import Basis, Store
from chat.policy.models import VerificationReport

STORES = (
    Store(
        model=VerificationReport,
        title="Verification reports",
        holds="when the promises of this site were checked, and which of them were found kept; nothing about you",
        why="to show that the promises were kept, and since when one is not",
        basis=Basis.LEGITIMATE_INTEREST,
        withheld=("id", "checked_at", "policy_hash", "promises"),
    ),
)
