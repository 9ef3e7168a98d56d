"""The notices are the operator's words, never about a person."""

from chat.announcements.models import SiteNotice
from chat.kernel.personal_data import Basis, Store

STORES = (
    Store(
        model=SiteNotice,
        title="Notices of the site",
        holds="what the operator told everybody on every page, and from when to when; nothing about you",
        why="to tell people of what concerns them all, and to show that they were told",
        basis=Basis.LEGAL_DUTY,
        withheld=("id", "public_id", "title", "text", "published_at", "until", "withdrawn_at"),
    ),
)
