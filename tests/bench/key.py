"""Makes an account and a key with budgets in the instance of the environment, and prints the key: for benchmarks."""

from chat.accounts.service import create_account
from chat.factory import create_app
from chat.gateway.keys import Terms, make_key
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import current_site


def main() -> None:
    app = create_app()
    with app.app_context():
        site, now = current_site(), clock.now()
        account = create_account(
            site.keyring, email="bench@example.org", display_name="Bench", password_hash="none", now=now, confirmed=True
        )
        db.session.flush()  # the key belongs to its id
        much = 10**15
        terms = Terms(budget_day=much, budget_week=much, budget_month=much, requests_per_minute=10**9, parallel=10_000)
        made = make_key(account, "bench", terms, site.api_secret, now)
        db.session.commit()
        print(made.key)


if __name__ == "__main__":
    main()
