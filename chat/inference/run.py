"""The only door to a model. In this order: who asks, what they and the site allow, limits, the provider, the meter, and
storage if, and only if, somebody with a permit asked for it. However a stream ends, its `finally` settles the meter.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from chat.accounts.freezing import check_in_use
from chat.accounts.models import Account
from chat.diagnostics import failures
from chat.diagnostics.failures import Failure
from chat.inference.demands import check_account
from chat.inference.events import Answer, Event, Failed
from chat.inference.outcome import tell
from chat.inference.permission import check_model
from chat.inference.receipts import NOTHING, Draft, Stored
from chat.inference.sizes import size_of, tokens_in
from chat.kernel import clock
from chat.kernel.db import db, is_in_transaction
from chat.kernel.errors import Problem
from chat.kernel.limits import Limits
from chat.kernel.profile import Profile
from chat.kernel.signing import Document
from chat.kernel.site import current_site
from chat.metering.current import current_clerk
from chat.metering.entries import Counted, write_counted
from chat.metering.ledger import Measure, Source, Status, usage_row, write_usage
from chat.metering.metrics import streams_open
from chat.providers.base import Cancel, Finished, FinishReason, Provider, ReasoningDelta, Request, TextDelta, Usage
from chat.providers.base import Event as Provided
from chat.providers.catalogue import Model

log = logging.getLogger("chat.inference")

Keep = Callable[[Answer], None]

# Characters. No model answers at such length; a provider that never ends must not fill the memory.
_LONGEST_ANSWER = 4_000_000

_UNFORESEEN = Failed("failed", "Something went wrong on our side. Please try again, or choose another model.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an account, or a guest by the address they come from. Never sent to a provider, never written for guests."""

    account_id: int | None
    name_for_limits: str


@dataclass(frozen=True, slots=True)
class Call:
    caller: Caller
    model: Model
    request: Request
    source: Source
    # The receipt that its answer is to get, if it gets one.
    receipt: Draft | None = None


def admit(call: Call, profile: Profile, limits: Limits) -> None:
    """Check that this call may be made, and count it. Raises Refused or TooMany; nothing has left the machine then."""
    check_model(call.model)
    caller, rates = call.caller, profile.limits
    if caller.account_id is None:
        limits.hit(rates.guest_messages, "guest", caller.name_for_limits)
    else:
        check_in_use(caller.account_id)
        check_account(caller.account_id, call.model)
        limits.hit(rates.account_messages, "account", caller.name_for_limits)
    limits.hit(rates.model_messages, "model", call.model.id)


def stream(call: Call, provider: Provider, cancel: Cancel, keep: Keep | None = None) -> Iterator[Event]:
    """Yield the answer's events; the last is Finished or Failed, unless the reader leaves first.

    `call` must have been admitted. `keep` is handed what came, however it ended, and stores it if it may; its work and
    the usage row are one transaction.
    """
    answer, started = Answer(), clock.monotonic()
    first: float | None = None
    counted: Usage | None = None
    events = provider.stream(call.request, cancel)
    streams_open.inc()
    try:
        for event in _within_bounds(events):
            first = first or clock.monotonic()
            match event:
                case TextDelta(text):
                    answer.text.write(text)
                    yield event
                case ReasoningDelta(text):
                    answer.reasoning.write(text)
                    yield event
                case Usage():
                    counted = event
                case Finished(reason):
                    answer.reason = reason
                    answer.status = Status.STOPPED if reason is FinishReason.STOPPED else Status.DONE
                    yield event
    except Problem as problem:
        if not cancel.is_set:
            answer.status, answer.failed = Status.FAILED, Failed(problem.code, problem.message)
            yield answer.failed
    except Exception:
        # The answer has begun: there is no error page left to show.
        if not cancel.is_set:
            log.exception("a provider failed in a way nobody foresaw")
            answer.status, answer.failed = Status.FAILED, _UNFORESEEN
            yield answer.failed
    finally:
        streams_open.dec()
        _close(events)
        _settle(call, answer, keep, _measure(call.request, answer, counted, started, first))


def _within_bounds(events: Iterator[Provided]) -> Iterator[Provided]:
    """Yield the provider's events, and end the answer where it becomes longer than any answer is."""
    size = 0
    for event in events:
        if isinstance(event, TextDelta | ReasoningDelta):
            size += len(event.text)
        if size > _LONGEST_ANSWER:
            yield Finished(FinishReason.LENGTH)
            return
        yield event


def _close(events: Iterator[object]) -> None:
    close = getattr(events, "close", None)
    if close is not None:
        close()


def _settle(call: Call, answer: Answer, keep: Keep | None, measure: Measure) -> None:
    account_id = call.caller.account_id
    try:
        copied = NOTHING
        if answer.failed is not None and account_id is not None:
            copied = _keep_failure(call, account_id, answer, answer.failed)
        if call.receipt is not None:
            answer.certify = partial(_certify, call.receipt, measure, copied)
        if keep is not None:
            keep(answer)
        _record(call, measure, account_id)
    except Exception:
        # The call was made, whether or not what came of it could be kept. An account that was closed meanwhile has no rows.
        db.session.rollback()
        is_closed = account_id is not None and db.session.get(Account, account_id) is None
        _record(call, measure, None if is_closed else account_id)
        if not is_closed:
            raise
    finally:
        tell(call.source, call.model, measure)


def _certify(receipt: Draft, measure: Measure, copied: Stored, stored: Stored) -> Document:
    return receipt.complete(measure, stored | copied, clock.now())


def _keep_failure(call: Call, account_id: int, answer: Answer, failed: Failed) -> Stored:
    """Store what failed, where the person agreed to copies of that: it needs a permit, like everything that is stored."""
    site, now = current_site(), clock.now()
    keep_for = timedelta(days=site.profile.retention.diagnostics)
    failure = Failure(
        source=call.source.value,
        model=call.model.id,
        provider=call.model.provider_id,
        code=failed.code,
        request=call.request,
        text=answer.text.getvalue(),
        reasoning=answer.reasoning.getvalue(),
    )
    is_kept = failures.keep(account_id, failure, site.keyring, keep_for, now)
    return Stored({failures.TABLE: (1, now + keep_for)}) if is_kept else NOTHING


def _record(call: Call, measure: Measure, account_id: int | None) -> None:
    """Write the usage row and commit: with what else was stored, or where nothing was, together with the rows of others."""
    profile = current_site().profile
    row = usage_row(
        account_id=account_id,
        source=call.source,
        model=call.model.id,
        provider=call.model.provider_id,
        measure=measure,
        now=clock.now(),
    )
    if is_in_transaction():
        write_usage(db.session.connection(), [row], profile)
        db.session.commit()
    else:
        current_clerk().do_together(write_counted, Counted(row, profile))


def _measure(request: Request, answer: Answer, counted: Usage | None, started: float, first: float | None) -> Measure:
    return Measure(
        status=answer.status,
        code=answer.failed.code if answer.failed else None,
        input_bytes=size_of(request),
        input_estimate=tokens_in(request),
        output_bytes=sum(len(said.getvalue().encode("utf-8", "replace")) for said in (answer.text, answer.reasoning)),
        input_tokens=counted.input_tokens if counted else None,
        output_tokens=counted.output_tokens if counted else None,
        first_token_ms=None if first is None else round((first - started) * 1000),
        total_ms=round((clock.monotonic() - started) * 1000),
    )
