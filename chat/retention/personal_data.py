"""What the purge writes down is about the site, never about a person."""

from chat.kernel.personal_data import Basis, Store
from chat.retention.models import PurgePass

STORES = (
    Store(
        model=PurgePass,
        title="Purges",
        holds="when each table of this site was last cleared of what is past its time, and of how many rows; nothing about you",
        why="to see at once when deleting has stopped",
        basis=Basis.LEGITIMATE_INTEREST,
        withheld=("id", "store", "finished_at", "removed"),
    ),
)
