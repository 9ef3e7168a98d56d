"""What only this very site can show: whether it has done, over time, what a scratch instance does in a moment."""

from datetime import timedelta

from chat.kernel import clock
from chat.kernel.ages import list_ages
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site
from chat.policy.promise import require

# Six turns of the purge. Whatever waits longer waits because nobody purges.
_PATIENCE = timedelta(hours=1)


def nothing_overdue() -> None:
    """Raise Broken when this site still has what should have been deleted an hour ago."""
    ages = list_ages(current_stores(), current_site().profile, clock.now())
    late = [one.store.title for one in ages if one.overdue is not None and one.overdue > _PATIENCE]
    require(not late, f"Nobody has deleted what is past its time: {', '.join(late)}. Does the job retention.purge run?")
