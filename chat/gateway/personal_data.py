from chat.gateway.models import ApiKey
from chat.kernel.personal_data import Basis, Store

STORES = (
    Store(
        model=ApiKey,
        title="API keys",
        holds="the API keys you made: name, a keyed hash, the first eight and last four characters, what each may do, its "
        "limits, and the day it was last used; never the key itself",
        why="to let your programs in; a key lives until you delete it, or your account",
        basis=Basis.CONTRACT,
        owner=ApiKey.account_id,
        born=ApiKey.created_at,
        exported=(
            "public_id", "name", "prefix", "last_four", "created_at", "expires_at", "disabled_at", "last_used_on", "endpoints",
            "models", "networks", "budget_day", "budget_week", "budget_month", "requests_per_minute", "tokens_per_minute",
            "parallel", "no_training", "zero_retention", "regions",
        ),
        withheld=("id", "account_id", "digest"),
    ),
)  # fmt: skip
