"""The door for programs: the same order as `run`, for a request that is passed on in the protocol it came in.

Who asks was found by the gateway. Then: what they and the site allow, limits and budget, the provider, the meter. Nothing
of the content is kept or looked into; however the answer ends, it is settled exactly once.
"""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chat.billing.prices import price_of
from chat.inference.demands import check_demands
from chat.inference.outcome import tell, tell_attempt
from chat.inference.permission import ModelRefused
from chat.inference.tally import Tally
from chat.inference.ways import Asked, Way, way_to
from chat.kernel import clock
from chat.kernel.errors import Problem
from chat.kernel.ids import public_id
from chat.kernel.profile import Profile
from chat.metering.budgets import Budget, Held, Reserve, Settle
from chat.metering.clerk import Clerk
from chat.metering.entries import Ended, write_entries
from chat.metering.ledger import Measure, Source, Status, usage_row
from chat.metering.metrics import streams_open
from chat.metering.pulse import Pulse
from chat.metering.terms import note_terms, terms_of
from chat.providers.base import Cancel, ProviderProblem
from chat.providers.catalogue import Catalogue, Model
from chat.providers.demands import Demands
from chat.providers.passing import Passed, Protocol, RequestRejected, pass_on
from chat.providers.problems import Failure
from chat.providers.projector import BLIND
from chat.providers.translation.refusal import NotAble

# A failure of one provider that another one may not share. A request that is wrong is wrong everywhere.
_TRY_ANOTHER = frozenset(
    {
        Failure.UNREACHABLE, Failure.TIMEOUT, Failure.RATE_LIMITED, Failure.OVERLOADED, Failure.AUTH, Failure.QUOTA,
        Failure.FAILED, Failure.CUT,
    }
)  # fmt: skip
# Of these, what may have passed in a moment.
_ASK_AGAIN = frozenset({Failure.UNREACHABLE, Failure.RATE_LIMITED, Failure.OVERLOADED, Failure.CUT})
_PAUSE = 0.4
# What failed is this site: a defect, told to whoever looks for such in the logs.
_OURS = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """One request of a program. `models` are tried in this order."""

    account_id: int
    key: str
    budget: Budget
    demands: Demands
    models: tuple[Model, ...]
    asked: Asked
    input_bytes: int
    most_output: int | None  # tokens, if the caller set a limit
    profile: Profile = field(repr=False)
    # Told, once, how many tokens came out.
    on_settled: Callable[[int], None] | None = None


@dataclass(slots=True)
class Relay:
    """An answer under way. Whoever has it reads it to the end or closes it; either settles it."""

    call: ApiCall
    model: Model
    way: Way
    passed: Passed = field(repr=False)
    cancel: Cancel = field(repr=False)
    _settling: "_Settling" = field(repr=False)

    @property
    def is_stream(self) -> bool:
        return self.passed.is_stream

    @property
    def receipt(self) -> str | None:
        """The id of the receipt that there is once the answer is settled. A site without rows of calls can give none."""
        return self._settling.held.public_id if self.call.profile.retention.request_logs else None

    def body(self) -> bytes:
        """Return the whole answer. Raises ProviderProblem."""
        settling = self._settling
        try:
            body = self.passed.read()
            settling.first = clock.monotonic()
            settling.tally.read(body)
            said = self.way.whole(body)
            settling.status = Status.DONE
        except Exception as failure:
            settling.failed(failure, self.cancel)
            raise
        finally:
            self.close()
        return said

    def chunks(self) -> Iterator[bytes]:
        """Yield the answer's bytes. Raises ProviderProblem when they break off; closing it ends the provider's work."""
        settling = self._settling
        streams_open.inc()
        try:
            counted = settling.tally.watch(self.passed.chunks(), hide_usage=self.way.hides_usage)
            for chunk in self.way.stream(counted):
                if settling.first is None:
                    settling.first = clock.monotonic()
                yield chunk
            settling.status = Status.DONE
        except Exception as failure:
            settling.failed(failure, self.cancel)
            raise
        finally:
            streams_open.dec()
            self.close()

    def close(self) -> None:
        """End what is left of the answer, and settle: also an answer that nobody began to read. Safe to call twice."""
        try:
            self.passed.close()
        finally:
            self._settling.settle()


def relay(call: ApiCall, catalogue: Catalogue, clerk: Clerk, pulse: Pulse, cancel: Cancel) -> Relay:
    """Return the answer as it begins to arrive. Raises Refused, TooMany or ProviderProblem; the call is settled then."""
    models = check_demands(call.models, call.demands)
    for model in models:
        note_terms(model, clerk)
    held = Held(public_id(), call.key, call.account_id, _most(call, models))
    refusal = clerk.do_together(write_entries, Reserve(held, call.budget, models[0].id, clock.now()))
    if refusal is not None:
        raise refusal
    pulse.begin(held.public_id)
    settling = _Settling(call, models[0], clerk, pulse, held)
    try:
        model, way, passed = _ask(call, models, catalogue, cancel, settling)
    except BaseException as failure:
        settling.failed(failure, cancel)
        settling.settle()
        raise
    return Relay(call, model, way, passed, cancel, settling)


def _ask(
    call: ApiCall, models: tuple[Model, ...], catalogue: Catalogue, cancel: Cancel, settling: "_Settling"
) -> tuple[Model, Way, Passed]:
    """Ask the models in order until one begins to answer; the caller has heard nothing by then, so nothing twice.

    When all have failed, and a moment may change that, they are asked once more. Each one asked satisfies the demands.
    """
    left = threading.Event()
    cancel.on_set(left.set)
    ways = _ways(call, models)
    for asked_again in (False, True):
        failure: Problem | None = None
        for model_id in catalogue.cooling.last(ways):
            model, way = ways[model_id]
            settling.model = model
            _check_again(call, model)
            try:
                passed = _sent(model, way, catalogue, cancel)
            except RequestRejected:
                raise
            except NotAble as refusal:
                failure = failure or refusal  # what another one failed of may be over in a moment
            except ProviderProblem as problem:
                if not cancel.is_set:
                    tell_attempt(model, problem.code)
                if cancel.is_set or problem.code not in _TRY_ANOTHER:
                    raise
                catalogue.cooling.failed(model.id)
                failure = problem
            else:
                catalogue.cooling.answered(model.id)
                return model, way, passed
        assert failure is not None
        if asked_again or failure.code not in _ASK_AGAIN or left.wait(_pause()):
            raise failure
    raise AssertionError("the second round returns or raises")


def _check_again(call: ApiCall, model: Model) -> None:
    """Refuse where the request is about to leave what was checked before."""
    if why := call.demands.why_not(model.policy):
        raise ModelRefused(f"{model.id}: {why}.")


def _sent(model: Model, way: Way, catalogue: Catalogue, cancel: Cancel) -> Passed:
    endpoint = catalogue.endpoint_for(model, cancel)
    if way.shows_images and not endpoint.sees_images:
        raise NotAble(BLIND)
    if way.trial is not None:
        way.trial.check(catalogue.transport, endpoint, cancel)
    return pass_on(catalogue.transport, endpoint, way.protocol, way.body, cancel, way.headers)


def _ways(call: ApiCall, models: tuple[Model, ...]) -> dict[str, tuple[Model, Way]]:
    """Return the way to each of the models that can take the request. Raises the first one's problem when none can."""
    ways: dict[str, tuple[Model, Way]] = {}
    first: Problem | None = None
    for model in models:
        try:
            ways[model.id] = (model, way_to(model, call.asked))
        except Problem as problem:
            first = first or problem
    if not ways:
        assert first is not None
        raise first
    return ways


def _pause() -> float:
    return _PAUSE * (0.5 + random.random())  # noqa: S311  # spreads load, guards nothing


def _most(call: ApiCall, models: tuple[Model, ...]) -> int:
    """Return the most that the request can cost, in millionths of a dollar, whichever of the models answers.

    No text has more tokens than bytes, whatever its language: an estimate could be too low, and a budget overspent. What the
    provider fetches from an address in the request is not in it, and no model takes more than its context.
    """
    if call.asked.protocol is Protocol.COUNT_TOKENS:
        return 0
    tokens = [
        0 if call.asked.protocol is Protocol.EMBEDDINGS else min(call.most_output or model.longest_answer, model.context)
        for model in models
    ]
    return max(
        price_of(model).cost(min(call.input_bytes, model.context), most) for model, most in zip(models, tokens, strict=True)
    )


@dataclass(slots=True)
class _Settling:
    """What is known of a call so far, and the one moment in which it is written down."""

    call: ApiCall
    model: Model
    clerk: Clerk
    pulse: Pulse
    held: Held
    tally: Tally = field(default_factory=Tally)
    status: Status = Status.STOPPED  # the caller left, unless somebody says otherwise
    code: str | None = None
    started: float = field(default_factory=clock.monotonic)
    first: float | None = None
    is_settled: bool = False

    def failed(self, failure: BaseException, cancel: Cancel) -> None:
        """Take down why there is no answer, or no whole one, unless its reader has left."""
        if not cancel.is_set and isinstance(failure, Exception):
            self.status, self.code = Status.FAILED, failure.code if isinstance(failure, Problem) else _OURS

    def settle(self) -> None:
        """Write usage and spending, once. The caller does not wait for it; the reservation stands until it is written."""
        if self.is_settled:
            return
        self.is_settled = True
        measure, cost, now = self._measure(), 0, clock.now()
        if self.status is not Status.FAILED or self.tally.bytes:
            cost = price_of(self.model).cost(measure.counted_input, measure.counted_output, self.tally.cached_tokens)
        row = usage_row(
            account_id=self.call.account_id,
            source=Source.API,
            model=self.model.id,
            provider=self.model.provider_id,
            measure=measure,
            now=now,
            key=self.call.key,
            cost=cost,
            receipt=self.held.public_id,
            terms=terms_of(self.model)[0],
        )
        self.clerk.post_together(write_entries, Ended(Settle(self.held, cost, now), row, self.call.profile))
        self.pulse.end(self.held.public_id)
        if self.call.on_settled is not None:
            self.call.on_settled(measure.counted_output)
        tell(Source.API, self.model, measure)

    def _measure(self) -> Measure:
        tally = self.tally
        nothing_came = self.status is Status.FAILED and not tally.bytes
        says_nothing = self.call.asked.protocol in (Protocol.EMBEDDINGS, Protocol.COUNT_TOKENS)
        return Measure(
            status=self.status,
            code=self.code,
            input_bytes=self.call.input_bytes,
            # No model reads more than its context, and an image has many more bytes than tokens.
            input_estimate=0 if nothing_came else min(self.call.asked.input_estimate, self.model.context),
            output_bytes=tally.bytes,
            output_estimate=0 if says_nothing else tally.estimate_output(),
            input_tokens=tally.input_tokens,
            output_tokens=0 if says_nothing else tally.output_tokens,
            first_token_ms=None if self.first is None else round((self.first - self.started) * 1000),
            total_ms=round((clock.monotonic() - self.started) * 1000),
        )
