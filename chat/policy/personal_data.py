"""These tables are about the site, never about a person."""

from chat.kernel.personal_data import Basis, Store
from chat.policy.models import PolicyVersion, VerificationReport

STORES = (
    Store(
        model=VerificationReport,
        title="Verification reports",
        holds="when the promises of this site were checked, and which of them were found kept; nothing about you",
        why="to show that the promises were kept, and since when one is not",
        basis=Basis.LEGITIMATE_INTEREST,
        withheld=("id", "checked_at", "policy_hash", "promises"),
    ),
    Store(
        model=PolicyVersion,
        title="Versions of the policy",
        holds="what this privacy policy said in each of its versions, and from when to when; nothing about you",
        why="to let you read what was promised when, and see what changes",
        basis=Basis.LEGAL_DUTY,
        withheld=(
            "id", "number", "hash", "document", "is_material", "summary", "asks_again", "published_at", "in_force_at",
        ),
    ),
)  # fmt: skip
