"""Who calls the API: a key in a header, and nothing else. A cookie, a query or a form never says who somebody is here.

What was found for a key is remembered for less than a second, so that a key that was revoked is dead in every worker by then.
"""

import hmac
import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import sqlalchemy as sa
from flask import g, request

from chat.accounts.models import Account
from chat.gateway.keys import START, Terms, digest_of, note_use, terms_of
from chat.gateway.models import ApiKey
from chat.inference.demands import demands_in
from chat.inference.models import AccountDemands
from chat.kernel import clock
from chat.kernel.access import Audience, mark
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Problem, Refused
from chat.kernel.network import client_address, client_ip
from chat.kernel.site import Site, current_site
from chat.metering.current import current_clerk
from chat.providers.demands import Demands

P = ParamSpec("P")
R = TypeVar("R")

_REMEMBERED_SECONDS = 0.8
_MOST_REMEMBERED = 10_000
# A stranger's wrong keys, by address: enough for a program that was not told of a new key, too few for guessing.
_WRONG_KEYS = "60/minute"


class NotAuthenticated(Problem):
    status = 401
    code = "invalid_api_key"


@dataclass(frozen=True, slots=True)
class Caller:
    """The key behind a request, as it was less than a second ago."""

    key: str
    account_id: int
    account: str
    terms: Terms
    # What the key and its account demand together of whoever answers.
    demands: Demands
    used_on: date | None
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] | None


def api_key(view: Callable[P, R]) -> Callable[P, R]:
    """Only programs with a key of somebody whose account is in use."""

    @wraps(view)
    def guarded(*args: P.args, **options: P.kwargs) -> R:
        site = current_site()
        if not site.profile.features.api:
            raise NotFound("This site offers no API.")
        g.caller = authenticate(presented_key(), site)
        return view(*args, **options)

    return mark(guarded, Audience.API_KEY)


def current_caller() -> Caller:
    """Return the key behind this request."""
    caller: Caller = g.caller
    return caller


def presented_key() -> str:
    """Return the key of the request's headers. Raises NotAuthenticated."""
    headers = request.headers
    given = headers.get("x-api-key") or ""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if not given and kind.lower() == "bearer":
        given = token.strip()
    if not given:
        raise NotAuthenticated(
            "Send an API key, as `Authorization: Bearer ck-…` or as `x-api-key`. Keys are made in the settings."
        )
    return given


def authenticate(key: str, site: Site) -> Caller:
    """Return who calls. Raises NotAuthenticated for a key that is unknown, ended, or whose account is not in use."""
    digest = digest_of(key, site.api_secret)
    caller, since = _recall(digest)
    if caller is None:
        # Many requests of one key come at the same moment: one of them asks the database, the others wait for what it learns.
        with _looking.setdefault(digest, threading.Lock()):
            caller, since = _recall(digest)
            if caller is None:
                since = clock.monotonic()
                caller = _find(key, digest, site)
                _remember(digest, caller, since)
    if caller.networks is not None:
        _check_network(caller)
    today = clock.now().date()
    if caller.used_on != today:
        _remember(digest, replace(caller, used_on=today), since)
        key = caller.key
        current_clerk().post(lambda connection: note_use(connection, key, today))
    return caller


def _find(key: str, digest: bytes, site: Site) -> Caller:
    found = _look_up(key, digest, clock.now())
    # Nothing of it is needed any more, and a stream must not keep a connection to the database for its whole life.
    db.session.close()
    if found is None:
        _remembered.pop(digest, None)
        site.limits.hit(_WRONG_KEYS, "wrong-key", client_address())
        raise NotAuthenticated("This API key is not valid: it is unknown, has ended, or its account is not in use.")
    return found


_remembered: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
# The keys that somebody is looking up right now.
_looking: WeakValueDictionary[bytes, Any] = WeakValueDictionary()


def _recall(digest: bytes) -> tuple[Caller | None, float]:
    """Return who calls, if that was looked up a moment ago, and when."""
    caller, since = _remembered.get(digest, (None, 0.0))
    return (caller if clock.monotonic() - since < _REMEMBERED_SECONDS else None), since


def _remember(digest: bytes, caller: Caller, since: float) -> None:
    """Remember who calls, as it was at `since`: what is learned later makes it no younger."""
    _remembered[digest] = (caller, since)
    while len(_remembered) > _MOST_REMEMBERED:
        _remembered.popitem(last=False)


def _look_up(key: str, digest: bytes, now: datetime) -> Caller | None:
    prefix = key[len(START) : len(START) + 8] if key.startswith(START) and key.isascii() and key.isprintable() else ""
    rows = db.session.execute(
        sa.select(ApiKey, Account.public_id, AccountDemands)
        .join(Account, Account.id == ApiKey.account_id)
        .outerjoin(AccountDemands, AccountDemands.account_id == ApiKey.account_id)
        .where(
            ApiKey.prefix == prefix,
            ApiKey.disabled_at.is_(None),
            sa.or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
            Account.active.is_(True),
            Account.frozen_at.is_(None),
            Account.closing_at.is_(None),
        )
    ).all()
    # All candidates are compared, each in constant time: how long it takes tells nothing about a key.
    matching = [(row, account, demanded) for row, account, demanded in rows if hmac.compare_digest(row.digest, digest)]
    if not matching:
        return None
    row, account, demanded = matching[0]
    terms = terms_of(row)
    networks = None if terms.networks is None else tuple(ipaddress.ip_network(one) for one in terms.networks)
    demands = demands_in(demanded).and_also(terms.demands)
    return Caller(row.public_id, row.account_id, account, terms, demands, row.last_used_on, networks)


def _check_network(caller: Caller) -> None:
    address = client_ip()
    if address is None or not any(address in network for network in caller.networks or ()):
        raise Refused("This key may not be used from your address.", code="address_not_allowed")
