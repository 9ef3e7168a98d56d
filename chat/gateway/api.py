"""/v1/…: the endpoints of OpenAI and Anthropic, for programs with a key. Bytes in, bytes out, and counts in between."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time

import msgspec
from flask import Blueprint, Flask, Response, g, request, stream_with_context
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from chat.gateway import policy_header
from chat.gateway.errors import error_object, error_response, new_request_id, speaks_anthropic
from chat.gateway.guard import Caller, api_key, current_caller
from chat.gateway.protocol_headers import protocol_headers
from chat.gateway.rates import count_request, count_tokens_in, say_standings, tokens_out_counter
from chat.gateway.receipts import get_receipt
from chat.gateway.requests import Posted, read_request
from chat.gateway.routing import demands_of, list_models, models_for
from chat.inference.receipts import notary_of
from chat.inference.relay import ApiCall, Relay, relay
from chat.inference.ways import Asked
from chat.kernel import clock
from chat.kernel.closing import closing
from chat.kernel.disconnect import client_socket, watcher
from chat.kernel.errors import Problem, Refused
from chat.kernel.pages import tell_failures
from chat.kernel.site import current_site
from chat.metering.budgets import Budget
from chat.metering.current import current_clerk, current_pulse
from chat.metering.ledger import estimate
from chat.providers.base import Cancel
from chat.providers.catalogue import Model
from chat.providers.current import current_catalogue
from chat.providers.passing import Protocol

bp = Blueprint("gateway", __name__, url_prefix="/v1")

_encode = msgspec.json.Encoder().encode


class ServerEnds(Problem):
    status = 503
    code = "server_ends"


@bp.post("/chat/completions")
@api_key
def chat_completions() -> ResponseReturnValue:
    return _answer(Protocol.CHAT)


@bp.post("/responses")
@api_key
def responses() -> ResponseReturnValue:
    return _answer(Protocol.RESPONSES)


@bp.post("/embeddings")
@api_key
def embeddings() -> ResponseReturnValue:
    return _answer(Protocol.EMBEDDINGS)


@bp.post("/messages")
@api_key
def messages() -> ResponseReturnValue:
    return _answer(Protocol.MESSAGES)


@bp.post("/messages/count_tokens")
@api_key
def count_tokens() -> ResponseReturnValue:
    return _answer(Protocol.COUNT_TOKENS)


@bp.get("/models")
@api_key
def models() -> ResponseReturnValue:
    caller, site = current_caller(), current_site()
    count_request(caller, site)
    demands = demands_of(caller, site.profile.demands, request.headers.get(policy_header.NAME))
    # Both protocols' SDKs read this: each takes its own fields and leaves the other's.
    data = [_described(name, models) for name, models in list_models(caller, current_catalogue(), demands)]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return _json({"object": "list", "data": data, "has_more": False, "first_id": first, "last_id": last})


@bp.get("/models/<path:model_id>")
@api_key
def model(model_id: str) -> ResponseReturnValue:
    count_request(current_caller(), current_site())
    return _json(_described(model_id, models_for(model_id, current_caller(), current_catalogue())))


@bp.get("/receipts/<receipt_id>")
@api_key
def receipt(receipt_id: str) -> ResponseReturnValue:
    """The receipt that `x-candor-receipt` named, for whoever has the key that the request was made with."""
    caller, site = current_caller(), current_site()
    count_request(caller, site)
    return _json(get_receipt(receipt_id, caller.account_id, notary_of(site), clock.now(), key=caller.key))


@bp.before_request
def _name_request() -> None:
    g.request_id = new_request_id()


@bp.after_request
def _say_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = response.headers["Request-Id"] = g.request_id
    say_standings(response, anthropic=speaks_anthropic(request.path))
    return response


@bp.record_once
def _tell_failures(state: BlueprintSetupState) -> None:
    assert isinstance(state.app, Flask)
    tell_failures(state.app, "/v1", lambda problem: error_response(problem, request.path))


def _answer(protocol: Protocol) -> ResponseReturnValue:
    site, caller = current_site(), current_caller()
    request.max_content_length = site.profile.limits.api_megabytes * 2**20
    body = request.get_data(cache=False)
    count_request(caller, site)
    posted = read_request(protocol, body)
    terms = caller.terms
    if terms.endpoints is not None and protocol.value not in terms.endpoints:
        raise Refused("This key may not be used for this endpoint.", code="endpoint_not_allowed")
    count_tokens_in(caller, site, estimate(len(body)))
    call = _call(protocol, posted, caller, len(body))
    cancel = Cancel()
    with watcher.watching(client_socket(request.environ), cancel.set):
        begun = relay(call, current_catalogue(), current_clerk(), current_pulse(), cancel)
        if not begun.is_stream:
            return _headed(Response(begun.body(), mimetype="application/json"), begun)
    response = Response(stream_with_context(_stream(begun)), mimetype="text/event-stream")
    # An answer that nobody comes to read is settled as well.
    response.call_on_close(begun.close)
    response.headers["X-Accel-Buffering"] = "no"
    return _headed(response, begun)


def _call(protocol: Protocol, posted: Posted, caller: Caller, size: int) -> ApiCall:
    terms = caller.terms
    return ApiCall(
        account_id=caller.account_id,
        key=caller.key,
        budget=Budget(terms.budget_day, terms.budget_week, terms.budget_month, terms.parallel),
        demands=demands_of(caller, current_site().profile.demands, request.headers.get(policy_header.NAME)),
        models=models_for(posted.model, caller, current_catalogue()),
        asked=Asked(
            protocol,
            posted.fields,
            posted.streams,
            posted.wants_usage,
            estimate(size),
            clock.now(),
            protocol_headers(protocol, request.headers),
        ),
        input_bytes=size,
        most_output=posted.most_output,
        profile=current_site().profile,
        on_settled=tokens_out_counter(caller, current_site()),
    )


def _stream(begun: Relay) -> Iterator[bytes]:
    end = begun.cancel.set
    try:
        with watcher.watching(client_socket(request.environ), end), closing.ending(end):
            yield from begun.chunks()
    except Problem as problem:
        if closing.has_begun:
            yield _broken_off(ServerEnds("The server is being restarted and cannot wait for this answer. Ask again."))
        elif not begun.cancel.is_set:
            yield _broken_off(problem)


def _broken_off(problem: Problem) -> bytes:
    """Return the protocol's event for an answer that ends here; the headers are out, so no status can say it."""
    if speaks_anthropic(request.path):
        said = error_object(problem.status, problem.code, problem.message, anthropic=True)
        return b"event: error\ndata: %s\n\n" % _encode(said)
    return b"data: %s\n\n" % _encode(error_object(problem.status, problem.code, problem.message, anthropic=False))


def _headed(response: Response, begun: Relay) -> Response:
    response.headers["X-Candor-Provider"] = begun.model.provider_id
    response.headers["X-Candor-Region"] = begun.model.policy.region
    if begun.receipt:
        response.headers["X-Candor-Receipt"] = begun.receipt
    if begun.way.left_out:
        response.headers["X-Candor-Left-Out"] = ", ".join(begun.way.left_out)
    return response


def _described(name: str, models: Sequence[Model]) -> dict[str, object]:
    """Return what is said of a model; of a route, what holds for each of its models, so the least and the worst."""
    checked = datetime.combine(min(one.policy.checked for one in models), time(), UTC)
    is_route = name not in [one.id for one in models]
    return {
        "id": name,
        "object": "model",
        "type": "model",
        "display_name": name if is_route else models[0].name,
        # When a model was made is not known here; both protocols want a date, so it is the day its policy was checked.
        "created": round(checked.timestamp()),
        "created_at": checked.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "owned_by": ", ".join(sorted({one.provider_id for one in models})),
        "context_window": min(one.context for one in models),
        "region": ", ".join(sorted({one.policy.region for one in models})),
        "retention_days": max(one.policy.retention_days for one in models),
        "trains": any(one.policy.trains for one in models),
    }


def _json(value: object) -> Response:
    return Response(_encode(value), mimetype="application/json")
