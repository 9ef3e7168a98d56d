"""Which models may be asked: those that satisfy what is demanded of them. None is a refusal: nothing has left then.

What a person demands holds wherever they ask, in the chat and with each of their API keys.
"""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from flask_babel import gettext as _

from chat.accounts.models import Account
from chat.inference.models import AccountDemands
from chat.inference.permission import ModelRefused
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.providers.catalogue import Model
from chat.providers.demands import Demands

NOTHING = Demands(no_training=False)


def check_demands(models: tuple[Model, ...], demands: Demands) -> tuple[Model, ...]:
    """Return those of `models` that may be asked, in order. Raises ModelRefused when none may; nothing has left then."""
    allowed = tuple(model for model in models if demands.why_not(model.policy) is None)
    if not allowed:
        reasons = "; ".join(f"{model.id}: {demands.why_not(model.policy)}" for model in models)
        raise ModelRefused(f"No provider of this model may be asked. {reasons}.")
    return allowed


def check_account(account_id: int, model: Model) -> None:
    """Raise ModelRefused for a model that the person does not want to be asked."""
    if why := demands_of_account(account_id).why_not(model.policy):
        raise ModelRefused(
            _(
                "By your settings this model may not be asked: %(why)s. Choose another one, or change it in the settings under "
                "Models.",
                why=why,
            )
        )


def demands_of_account(account_id: int) -> Demands:
    """Return what the person demands of whoever answers them."""
    return demands_in(db.session.scalars(_row_of(account_id)).one_or_none())


def demands_in(row: AccountDemands | None) -> Demands:
    """Return what the row says; nothing without one."""
    if row is None:
        return NOTHING
    return replace(
        NOTHING,
        most_retention_days=0 if row.zero_retention else None,
        regions=None if row.regions is None else frozenset(row.regions),
    )


def allowed_for(account: Account | None, models: Sequence[Model]) -> list[Model]:
    """Return those of `models` that may answer this person, or a guest, in order."""
    demands = NOTHING if account is None else demands_of_account(account.id)
    return [model for model in models if demands.why_not(model.policy) is None]


def list_regions(models: Sequence[Model], demands: Demands) -> list[str]:
    """Return the regions to choose from: where the site's models run, and what was chosen and has no model any more."""
    known = {model.policy.region.casefold(): model.policy.region for model in models}
    chosen = {region.casefold(): region for region in sorted(demands.regions or ())}
    return list((known | {name: region for name, region in chosen.items() if name not in known}).values())


def choose(account: Account, *, zero_retention: bool, regions: Sequence[str] | None, models: Sequence[Model]) -> None:
    """Have the person answered in these regions alone, or everywhere (None). Raises Problem where nobody could answer."""
    chosen = replace(
        NOTHING,
        most_retention_days=0 if zero_retention else None,
        regions=None if regions is None else frozenset(regions),
    )
    if models and not any(chosen.why_not(model.policy) is None for model in models):
        raise Problem(_("No model could answer you then. Allow one more place, or providers that keep what they are sent."))
    row = db.session.scalars(_row_of(account.id)).one_or_none()
    if row is None:
        row = AccountDemands(account_id=account.id)
        db.session.add(row)
    row.zero_retention = zero_retention
    row.regions = None if regions is None else sorted(regions)


def _row_of(account_id: int) -> "sa.Select[AccountDemands]":
    return sa.select(AccountDemands).where(AccountDemands.account_id == account_id)
