"""How often and how much: requests and tokens a minute, counted before anything leaves, and told in each protocol's headers."""

from collections.abc import Callable
from datetime import timedelta

from flask import Response, g
from limits import parse

from chat.gateway.guard import Caller
from chat.kernel import clock
from chat.kernel.counting import Standing
from chat.kernel.errors import Problem, TooMany
from chat.kernel.site import Site


class TooManyTokens(Problem):
    """One request has more tokens than the key may send in a minute: waiting would not help."""

    status = 413
    code = "too_many_tokens"


def count_request(caller: Caller, site: Site) -> None:
    """Count one request of the account, and of the key where it has a rate of its own. Raises TooMany."""
    _count(site, "requests", site.profile.limits.api_requests, "api", caller.account, 1)
    if caller.terms.requests_per_minute is not None:
        _count(site, "requests", f"{caller.terms.requests_per_minute}/minute", "key", caller.key, 1)


def count_tokens_in(caller: Caller, site: Site, tokens: int) -> None:
    """Count what a request sends against the key's tokens a minute. Raises TooMany, or TooManyTokens."""
    most = caller.terms.tokens_per_minute
    if most is None:
        return
    if tokens > most:
        raise TooManyTokens(f"This request alone has about {tokens} tokens, and this key may use {most} a minute.")
    _count(site, "tokens", f"{most}/minute", "key-tokens", caller.key, max(tokens, 1))


def tokens_out_counter(caller: Caller, site: Site) -> Callable[[int], None] | None:
    """Return what counts an answer's tokens when it has ended, if they count.

    A request that began below the limit is not cut off by it: its answer uses up what is left, and the next one waits.
    """
    most = caller.terms.tokens_per_minute
    if most is None:
        return None
    return lambda tokens: site.limits.add(f"{most}/minute", "key-tokens", caller.key, tokens)


def say_standings(response: Response, *, anthropic: bool) -> None:
    """Say in the headers of the protocol that was called how the limits stand that this request was counted against."""
    standings: dict[str, Standing] = g.get("standings", {})
    for what, standing in standings.items():
        if anthropic:
            reset = clock.now() + timedelta(seconds=standing.reset)
            named = f"anthropic-ratelimit-{what}"
            response.headers[f"{named}-limit"] = str(standing.limit)
            response.headers[f"{named}-remaining"] = str(standing.remaining)
            response.headers[f"{named}-reset"] = reset.strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            response.headers[f"x-ratelimit-limit-{what}"] = str(standing.limit)
            response.headers[f"x-ratelimit-remaining-{what}"] = str(standing.remaining)
            response.headers[f"x-ratelimit-reset-{what}"] = _span(standing.reset)


def _count(site: Site, what: str, rate: str, kind: str, who: str, cost: int) -> None:
    standings: dict[str, Standing] = g.setdefault("standings", {})
    try:
        standings[what] = site.limits.count(rate, kind, who, cost)
    except TooMany as refused:
        limit = parse(rate)
        standings[what] = Standing(limit.amount, 0, refused.retry_after)
        raise TooMany(
            f"That is more than the {limit.amount} {what} per {limit.GRANULARITY.name} that are allowed. "
            f"Please try again in {refused.retry_after} seconds.",
            retry_after=refused.retry_after,
            code="rate_limit_exceeded",
        ) from None


def _span(seconds: int) -> str:
    """Return seconds the way OpenAI writes them: 1s, 6m0s."""
    return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m{seconds % 60}s"
