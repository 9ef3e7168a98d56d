from datetime import timedelta

from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Profile
from chat.metering.budgets import fold as settle_forgotten
from chat.metering.models import ModelTerms, Reservation, Spending, Usage, UsageTotal
from chat.metering.totals import fold

# The settling job comes long before; this is for a site whose jobs do not run.
_SETTLED_AT_LAST = timedelta(hours=1)


def _keep_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.request_logs)


def _keep_totals_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.usage_totals)


STORES = (
    Store(
        model=Usage,
        title="Usage",
        owner=Usage.account_id,
        holds="which model you called and when, with which API key, sizes, token counts, cost, how long it took, whether it "
        "worked; never what was said",
        why="to keep limits, to find faults, and to show you your usage",
        basis=Basis.CONTRACT,
        born=Usage.at,
        keep_for=_keep_for,
        folds=fold,
        exported=(
            "at", "source", "key", "model", "provider", "status", "code", "input_bytes", "output_bytes", "input_tokens",
            "output_tokens", "estimated", "cost", "first_token_ms", "total_ms", "receipt", "terms",
        ),
        withheld=("id", "account_id"),
    ),
    Store(
        model=ModelTerms,
        title="Terms of models",
        holds="what this site said of each model when it was asked: provider, place, what is kept there; nothing of anybody",
        why="so that the receipt of an API request says what held then, also when the site says something else now",
        basis=Basis.LEGITIMATE_INTEREST,
        withheld=("id", "digest", "said"),
    ),
    Store(
        model=UsageTotal,
        title="Usage by day",
        owner=UsageTotal.account_id,
        holds="for each day, model and API key how often you called it, how many tokens it took and what it cost, once single "
        "calls are forgotten",
        why="to show you your usage over a longer time",
        basis=Basis.CONTRACT,
        born=UsageTotal.day,
        keep_for=_keep_totals_for,
        exported=("day", "key", "model", "provider", "calls", "estimated", "input_tokens", "output_tokens", "cost"),
        withheld=("id", "account_id"),
    ),
    Store(
        model=Spending,
        title="API spending",
        holds="what each of your API keys has spent this day, week and month, and what its running requests may cost",
        why="to keep the budgets that you set; it lives as long as the account",
        basis=Basis.CONTRACT,
        owner=Spending.account_id,
        exported=("key", "day", "day_spent", "week", "week_spent", "month", "month_spent", "reserved", "running"),
        withheld=("id", "account_id"),
    ),
    Store(
        model=Reservation,
        title="API requests under way",
        holds="for each API request that is running: key, model, when it was last seen to run, and the most it can cost",
        why="so that requests at the same moment cannot overspend a budget; it is deleted when the request ends",
        basis=Basis.CONTRACT,
        owner=Reservation.account_id,
        born=Reservation.alive_at,
        keep_for=lambda _profile: _SETTLED_AT_LAST,
        folds=settle_forgotten,
        exported=("key", "model", "amount", "alive_at"),
        withheld=("id", "public_id", "account_id"),
    ),
)  # fmt: skip
