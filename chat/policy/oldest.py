"""How old the oldest thing of each kind is, for the policy's page: what shows that deleting goes on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from chat.kernel.ages import list_ages
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile

# Anybody may open the page as often as they like, and the question goes through whole tables.
_FRESH_FOR = timedelta(minutes=5)
_EXTENSION = "candor_oldest"


def oldest_by_title(stores: Sequence[Store], profile: Profile, now: datetime) -> dict[str, str]:
    """Return for each declared table with rows, by its title, how old the oldest is, as it was at most five minutes ago."""
    known: tuple[datetime, dict[str, str]] | None = current_app.extensions.get(_EXTENSION)
    if known is None or not timedelta(0) <= now - known[0] < _FRESH_FOR:
        ages = list_ages([one for one in stores if one.owner is not None], profile, now)
        known = now, {one.store.title: _words(one.oldest) for one in ages if one.oldest is not None}
        current_app.extensions[_EXTENSION] = known
    return known[1]


def _words(age: timedelta) -> str:
    if age.days < 1:
        return str(_("less than a day old"))
    return str(ngettext("%(num)d day old", "%(num)d days old", age.days))
