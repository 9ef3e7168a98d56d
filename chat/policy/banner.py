"""What every page says while a change of the policy is announced."""

from flask import url_for
from flask_babel import format_date
from flask_babel import gettext as _

from chat.kernel import clock
from chat.kernel.banners import Banner
from chat.policy.versions import coming_version


def banners() -> list[Banner]:
    """Return the announcement of the version that takes effect next."""
    coming = coming_version(clock.now())
    if coming is None:
        return []
    day = format_date(coming.in_force_at, "d MMMM yyyy")
    return [
        Banner(
            title=_("The privacy policy changes on %(day)s", day=day),
            text=coming.summary,
            links=((url_for("policy_versions.changes", number=coming.number), _("See what changes")),),
        )
    ]
