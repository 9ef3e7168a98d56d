"""How long it is kept."""

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.kernel.profile import Profile
from chat.policy.checks import deletion, here, retention
from chat.policy.promise import Promise, Section


def _days(days: int) -> str:
    return ngettext("%(num)d day", "%(num)d days", days)


def _history(profile: Profile) -> str:
    return _(
        "A saved conversation lives %(usual)s unless you choose otherwise, and never longer than %(longest)s. "
        "Once its time is up nobody can open it.",
        usual=_days(profile.retention.history),
        longest=_days(profile.retention.history_longest),
    )


def _deleted(profile: Profile) -> str:
    if not profile.retention.deleted_accounts:
        return _("A deleted account is gone at once.")
    return _(
        "A deleted account is gone within %(span)s, or at once if you say so.", span=_days(profile.retention.deleted_accounts)
    )


PROMISES = (
    Promise(
        id="keep-account",
        wording=lambda _profile: _(
            "Your account lives as long as you want it to: it does not expire, and nothing of it is lost meanwhile."
        ),
        check=retention.account,
        travels=True,
    ),
    Promise(
        id="keep-history",
        wording=_history,
        applies=lambda profile: profile.features.offers("history"),
        absent="This site keeps no conversations for anybody.",
        check=retention.history,
        here=here.nothing_overdue,
        travels=True,
    ),
    Promise(
        id="keep-logs",
        wording=lambda profile: _(
            "The records of single requests are gone after %(span)s. After that only daily totals are left.",
            span=_days(profile.retention.request_logs),
        ),
        check=retention.logs,
        here=here.nothing_overdue,
        travels=True,
    ),
    Promise(
        id="keep-sessions",
        wording=lambda profile: _(
            "Conversations with published assistants live %(span)s, unless their founder chose a shorter time.",
            span=_days(profile.retention.sessions),
        ),
        applies=lambda profile: profile.features.offers("assistants"),
        absent="No assistants are published at this site.",
        travels=True,
    ),
    Promise(
        id="keep-billing",
        wording=lambda profile: _(
            "Records of payments are kept for %(years)d years because tax law says so, "
            "without your name once your account is gone.",
            years=profile.retention.billing_years,
        ),
        applies=lambda profile: profile.features.offers("billing"),
        absent="Nothing can be bought at this site.",
        travels=True,
    ),
    Promise(id="keep-deleted", wording=_deleted, check=deletion.deleted, here=deletion.nothing_late, travels=True),
)
SECTION = Section(name="retention", title="How long it is kept", promises=PROMISES)
