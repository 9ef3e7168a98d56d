from chat.consent.models import ConsentEntry
from chat.kernel.personal_data import Basis, Store

STORES = (
    Store(
        model=ConsentEntry,
        title="Consents",
        owner=ConsentEntry.account_id,
        part_of_account=True,
        holds="what you agreed to, withdrew and objected to, which words you were shown, and when",
        why="to be able to show that we act on your word; it lives as long as your account",
        basis=Basis.LEGAL_DUTY,
        born=ConsentEntry.at,
        exported=(
            "sequence", "purpose", "given", "wording_revision", "wording_hash", "source", "notice_version", "at",
            "previous_hash", "hash",
        ),
        withheld=("id", "account_id"),
    ),
)  # fmt: skip
