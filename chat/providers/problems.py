"""Each way in which a provider fails: our code, a status, and one sentence that says what to do.

An upstream's own words never get further than this module: errors echo prompts. Its body is looked at for known error
names, one of our codes is chosen, and the body is dropped.
"""

from enum import StrEnum

import msgspec

from chat.providers.base import ProviderProblem


class Failure(StrEnum):
    UNREACHABLE = "provider_unreachable"
    TIMEOUT = "provider_timeout"
    RATE_LIMITED = "provider_rate_limited"
    OVERLOADED = "provider_overloaded"
    REJECTED = "provider_rejected"
    TOO_LONG = "provider_too_long"
    FILTERED = "provider_filtered"
    AUTH = "provider_auth"
    QUOTA = "provider_quota"
    FAILED = "provider_failed"
    CUT = "provider_cut"
    GARBLED = "provider_garbled"


_WORDS: dict[Failure, tuple[int, str]] = {
    Failure.UNREACHABLE: (503, "The model's provider cannot be reached. Try again in a moment, or choose another model."),
    Failure.TIMEOUT: (504, "The model's provider did not answer in time. Try again, or choose another model."),
    Failure.RATE_LIMITED: (
        503,
        "The model's provider takes no more requests just now. Wait a minute, or choose another model.",
    ),
    Failure.OVERLOADED: (503, "The model's provider is overloaded. Try again in a moment, or choose another model."),
    Failure.REJECTED: (
        502,
        "The model's provider did not accept this request. Change the message or the settings, or choose another model.",
    ),
    Failure.TOO_LONG: (
        413,
        "This conversation is too long for the model. Start a new one, remove a file, or choose a model with a larger context.",
    ),
    Failure.FILTERED: (422, "The model's provider refused this content. Put it differently, or choose another model."),
    Failure.AUTH: (502, "The model's provider does not accept this site's key. Choose another model, and tell the operator."),
    Failure.QUOTA: (
        502,
        "This site's credit with the model's provider is used up. Choose another model, and tell the operator.",
    ),
    Failure.FAILED: (502, "The model's provider failed. Try again, or choose another model."),
    Failure.CUT: (502, "The model's provider broke off before the answer was complete. Try again."),
    Failure.GARBLED: (502, "The model's provider sent something that is not an answer. Try again, or choose another model."),
}

# Names that OpenAI, Anthropic and llama.cpp give their errors, where they say more than the status does.
_NAMES = {
    "context_length_exceeded": Failure.TOO_LONG,
    "exceed_context_size_error": Failure.TOO_LONG,
    "string_above_max_length": Failure.TOO_LONG,
    "request_too_large": Failure.TOO_LONG,
    "insufficient_quota": Failure.QUOTA,
    "billing_error": Failure.QUOTA,
    "content_filter": Failure.FILTERED,
    "content_policy_violation": Failure.FILTERED,
    "invalid_api_key": Failure.AUTH,
    "authentication_error": Failure.AUTH,
    "permission_error": Failure.AUTH,
    "rate_limit_exceeded": Failure.RATE_LIMITED,
    "rate_limit_error": Failure.RATE_LIMITED,
    "overloaded_error": Failure.OVERLOADED,
    "timeout_error": Failure.TIMEOUT,
    "invalid_request_error": Failure.REJECTED,
    "not_found_error": Failure.REJECTED,
}
_STATUSES = {
    401: Failure.AUTH,
    402: Failure.QUOTA,
    403: Failure.AUTH,
    408: Failure.TIMEOUT,
    413: Failure.TOO_LONG,
    429: Failure.RATE_LIMITED,
    503: Failure.OVERLOADED,
    504: Failure.TIMEOUT,
    529: Failure.OVERLOADED,
}


class _Error(msgspec.Struct):
    code: str | int | float | None = None
    type: str | None = None
    message: str | None = None


class _Body(msgspec.Struct):
    error: _Error | str | None = None


def problem(failure: Failure) -> ProviderProblem:
    """Return the problem for `failure`, ready to be raised outside any `except` block, so that nothing is chained to it."""
    status, sentence = _WORDS[failure]
    made = ProviderProblem(sentence, code=failure.value)
    made.status = status
    return made


def failure_of_status(status: int, body: bytes) -> Failure:
    """Choose the failure for an answer with `status`: by a name known in its body, or else by the status."""
    named = failure_of_error(body)
    if named is not None and named is not Failure.REJECTED:
        return named
    if status in _STATUSES:
        return _STATUSES[status]
    return Failure.REJECTED if 400 <= status < 500 else Failure.FAILED


def failure_of_error(body: bytes) -> Failure | None:
    """Choose the failure that a JSON body with an `error` names, or None."""
    try:
        error = msgspec.json.decode(body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(error, _Error):
        return None
    # Anthropic has no name of its own for this one.
    if error.message is not None and error.message.startswith("prompt is too long"):
        return Failure.TOO_LONG
    return _NAMES.get(str(error.code)) or _NAMES.get(str(error.type))
