"""What the templates about keys are given."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from chat.billing.money import say_dollars
from chat.gateway.keys import START
from chat.gateway.models import ApiKey
from chat.providers.catalogue import Model
from chat.providers.passing import Protocol, spoken_by

ACTIVE, DISABLED, EXPIRED, FROZEN = "active", "disabled", "expired", "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    id: str
    name: str
    shown: str
    state: str
    state_name: str
    created_at: datetime
    last_used_on: date | None
    expires_at: datetime | None
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A first request to try a key with. `None` where the site offers no model that could answer it."""

    url: str
    model: str


def key_view(row: ApiKey, now: datetime, *, frozen: bool = False) -> KeyView:
    """Return what pages show of a key; none works while its account is `frozen`."""
    state = state_of(row, now)
    if frozen and state == ACTIVE:
        state = FROZEN
    names = {ACTIVE: _("works"), DISABLED: _("disabled"), EXPIRED: _("expired"), FROZEN: _("rests while you are frozen")}
    return KeyView(
        id=row.public_id,
        name=row.name,
        shown=f"{START}{row.prefix}…{row.last_four}",
        state=state,
        state_name=names[state],
        created_at=row.created_at,
        last_used_on=row.last_used_on,
        expires_at=row.expires_at,
        limits=tuple(_limits(row)),
    )


def state_of(row: ApiKey, now: datetime) -> str:
    """Return whether the key works, and if not why."""
    if row.disabled_at is not None:
        return DISABLED
    return EXPIRED if row.expires_at is not None and row.expires_at <= now else ACTIVE


def example_for(row: ApiKey, models: tuple[Model, ...], root: str) -> Example | None:
    """Return a request that this key may make, for the site at `root`."""
    if row.endpoints is not None and Protocol.CHAT.value not in row.endpoints:
        return None
    allowed = (one for one in models if row.models is None or one.id in row.models)
    model = next((one for one in allowed if Protocol.CHAT in spoken_by(one.kind)), None)
    return None if model is None else Example(f"{root}/v1/{Protocol.CHAT.value}", model.id)


def _limits(row: ApiKey) -> Iterator[str]:
    yield from _amounts(row)
    yield from _places(row)


def _amounts(row: ApiKey) -> Iterator[str]:
    if row.budget_day is not None:
        yield _("%(amount)s a day", amount=say_dollars(row.budget_day))
    if row.budget_week is not None:
        yield _("%(amount)s a week", amount=say_dollars(row.budget_week))
    if row.budget_month is not None:
        yield _("%(amount)s a month", amount=say_dollars(row.budget_month))
    if row.requests_per_minute:
        yield ngettext("%(num)d request a minute", "%(num)d requests a minute", row.requests_per_minute)
    if row.tokens_per_minute:
        yield ngettext("%(num)d token a minute", "%(num)d tokens a minute", row.tokens_per_minute)
    if row.parallel:
        yield _("%(num)d at the same time", num=row.parallel)


def _places(row: ApiKey) -> Iterator[str]:
    if row.endpoints:
        yield ngettext("%(num)d endpoint", "%(num)d endpoints", len(row.endpoints))
    if row.models:
        yield ngettext("%(num)d model", "%(num)d models", len(row.models))
    if row.networks:
        yield ngettext("%(num)d network", "%(num)d networks", len(row.networks))
    if row.no_training:
        yield _("no training")
    if row.zero_retention:
        yield _("nothing kept")
    if row.regions:
        yield ", ".join(row.regions)
