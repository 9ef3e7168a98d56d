from chat.inference.models import AccountDemands
from chat.kernel.personal_data import Basis, Store

STORES = (
    Store(
        model=AccountDemands,
        title="Where you may be answered",
        owner=AccountDemands.account_id,
        holds="in which places models may run that you ask, and whether their providers may keep anything, if you chose that",
        why="to send what you write nowhere else; it lives as long as the account",
        basis=Basis.CONTRACT,
        exported=("zero_retention", "regions"),
        withheld=("id", "account_id"),
    ),
)
