"""Failures in the shape of the protocol that was called: OpenAI's and Anthropic's error objects, never a page."""

from typing import Any

from flask import Response, g, jsonify

from chat.kernel.errors import Problem, TooMany
from chat.kernel.ids import public_id
from chat.providers.passing import RequestRejected
from chat.providers.problems import Failure

_ANTHROPIC = "/v1/messages/"
# Status to the error type that each protocol's SDK expects.
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip

# The provider takes no more just now; SDKs wait that long and try again.
_BUSY = frozenset({Failure.RATE_LIMITED, Failure.OVERLOADED, Failure.UNREACHABLE})
_BUSY_SECONDS = "2"


def speaks_anthropic(path: str) -> bool:
    """Whether whoever calls this path reads Anthropic's errors."""
    return f"{path}/".startswith(_ANTHROPIC)


def error_object(status: int, code: str, message: str, *, anthropic: bool) -> dict[str, Any]:
    """Return the protocol's error object."""
    if anthropic:
        kind = _ANTHROPIC_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": g.get("request_id", "")}
    kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_response(problem: Problem, path: str) -> Response:
    """Return the answer for a problem."""
    words = problem.words if isinstance(problem, RequestRejected) else problem.message
    anthropic = speaks_anthropic(path)
    # Anthropic has a status of its own for "too busy just now", which its SDK knows.
    status = 529 if anthropic and problem.code in _BUSY else problem.status
    if "request_id" not in g:  # where no address was found, no endpoint gave it one
        g.request_id = new_request_id()
    response = jsonify(error_object(status, problem.code, words, anthropic=anthropic))
    response.status_code = status
    response.headers["X-Request-Id"] = response.headers["Request-Id"] = g.request_id
    if isinstance(problem, TooMany):
        response.headers["Retry-After"] = str(problem.retry_after)
    elif problem.code in _BUSY:
        response.headers["Retry-After"] = _BUSY_SECONDS
    return response


def new_request_id() -> str:
    """Return an id for a request: drawn by lot, so that it tells nothing."""
    return f"req_{public_id()}"
