from datetime import timedelta

from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Profile
from chat.metering.models import Usage, UsageTotal
from chat.metering.totals import add_up


def _keep_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.request_logs)


def _keep_totals_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.usage_totals)


STORES = (
    Store(
        model=Usage,
        title="Usage",
        owner=Usage.account_id,
        holds="which model you called and when, sizes, token counts, how long it took, whether it worked; never what was said",
        why="to keep limits, to find faults, and to show you your usage",
        basis=Basis.CONTRACT,
        born=Usage.at,
        keep_for=_keep_for,
        folds=add_up,
        exported=(
            "at", "source", "model", "provider", "status", "code", "input_bytes", "output_bytes", "input_tokens",
            "output_tokens", "estimated", "first_token_ms", "total_ms",
        ),
        withheld=("id", "account_id"),
    ),
    Store(
        model=UsageTotal,
        title="Usage by day",
        owner=UsageTotal.account_id,
        holds="for each day and model how often you called it and how many tokens it took, once single calls are forgotten",
        why="to show you your usage over a longer time",
        basis=Basis.CONTRACT,
        born=UsageTotal.day,
        keep_for=_keep_totals_for,
        exported=("day", "model", "provider", "calls", "input_tokens", "output_tokens"),
        withheld=("id", "account_id"),
    ),
)  # fmt: skip
