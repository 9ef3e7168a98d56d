"""Who is signed in, typed. Asking costs nothing for a visitor without a session, and one query for a person."""

from flask_login import current_user

from chat.accounts.models import Account
from chat.kernel.errors import Refused


def current_account() -> Account | None:
    """Return the account of whoever sent this request, or None for a guest."""
    found = current_user._get_current_object()  # noqa: SLF001  # how a LocalProxy is opened
    return found if isinstance(found, Account) else None


def get_current_account() -> Account:
    """Return the account behind a view that is only for people who are signed in. Raises Refused for guests."""
    account = current_account()
    if account is None:
        raise Refused("Please sign in first.")
    return account
