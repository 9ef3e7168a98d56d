from datetime import timedelta

from chat.analytics.models import PageCount
from chat.consent.purposes import Purpose
from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Profile


def _keep_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.usage_totals)


STORES = (
    Store(
        model=PageCount,
        title="Page counts",
        holds="how often each kind of page was opened on a day by people who agreed to be counted; nothing about any of them",
        why="to see which parts of the site are used",
        basis=Basis.CONSENT,
        purpose=Purpose.ANALYTICS,
        born=PageCount.day,
        keep_for=_keep_for,
        exported=("day", "page", "count"),
        withheld=("id",),
    ),
)
