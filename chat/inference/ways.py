"""How a request reaches a model: as it came, where the model speaks the caller's protocol, or translated, where it does not."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from chat.inference.shown import Fields, plain, shown_to_engine
from chat.kernel.errors import Problem
from chat.providers.catalogue import Model
from chat.providers.grammar_trial import Trial
from chat.providers.passing import Protocol, spoken_by
from chat.providers.problems import Failure, problem
from chat.providers.sse import decode_events
from chat.providers.translation.answer_to_anthropic import StreamToAnthropic, answer_to_anthropic
from chat.providers.translation.answer_to_openai import StreamToOpenAI, answer_to_openai
from chat.providers.translation.chat_to_responses import StreamToResponses, answer_to_response, begin_response
from chat.providers.translation.form_held import has_schema, hold_to_form
from chat.providers.translation.images_shown import as_block
from chat.providers.translation.refusal import Json
from chat.providers.translation.responses_to_chat import request_to_chat
from chat.providers.translation.to_anthropic import request_to_anthropic
from chat.providers.translation.to_openai import request_to_openai
from chat.providers.translation.tools_called import StreamWithCalls, answer_with_calls
from chat.providers.translation.tools_told import Told, speaks_of_tools, tell_tools

_OWN_HOST = "api.openai.com"
_encode = msgspec.json.Encoder().encode
_decode_all = msgspec.json.Decoder(dict[str, Any]).decode

# What would tell the provider who asks, or let it tell later that two requests came from the same one, or keep a copy for them.
_REMOVED = {
    Protocol.CHAT: (
        "user", "safety_identifier", "metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    ),
    Protocol.RESPONSES: (
        "user", "safety_identifier", "metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    ),
    Protocol.EMBEDDINGS: ("user",),
    Protocol.MESSAGES: ("metadata", "user_profile_id", "workspace_id", "diagnostics"),
    Protocol.COUNT_TOKENS: ("metadata", "user_profile_id", "workspace_id", "diagnostics"),
}  # fmt: skip
# What only the protocol's own provider could make something of.
_TRIED_OUT = ("anthropic-beta", "openai-beta")
_NO = msgspec.Raw(b"false")
_COUNT_TOO = msgspec.Raw(b'{"include_usage":true}')
# What a translation meets in JSON whose values are not of the types that they should be of.
_ODD = (TypeError, AttributeError, ValueError, LookupError, RecursionError, msgspec.MsgspecError)
_OTHER = {Protocol.CHAT: Protocol.MESSAGES, Protocol.MESSAGES: Protocol.CHAT, Protocol.RESPONSES: Protocol.CHAT}


class NotSpoken(Problem):
    """The model neither speaks the endpoint's protocol nor one that it could be translated into."""

    code = "endpoint_not_offered"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller asked for, as far as the way to a model depends on it."""

    protocol: Protocol
    fields: Fields = field(repr=False)
    streams: bool
    wants_usage: bool  # whether the caller asked for the stream's count
    input_estimate: int
    now: datetime
    # The protocol's own, like its version; for a provider that speaks it.
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """The protocol to ask in, the request in it, and what makes the caller's answer of the provider's."""

    protocol: Protocol
    body: bytes = field(repr=False)
    hides_usage: bool  # whether the stream's count is ours alone
    whole: Callable[[bytes], bytes]
    stream: Callable[[Iterator[bytes]], Iterator[bytes]]
    left_out: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    # What the engine has to be asked before, if anything.
    trial: Trial | None = None
    shows_images: bool = False


def way_to(model: Model, asked: Asked) -> Way:
    """Return the way. Raises NotSpoken, NotAble, Untranslatable, or Problem for a field of a wrong form."""
    if model.kind != "embedded":
        return _way_to(model, asked)
    fields, images = shown_to_engine(model, asked.fields)
    return replace(_way_to(model, replace(asked, fields=fields)), shows_images=images > 0)


def _way_to(model: Model, asked: Asked) -> Way:
    spoken = spoken_by(model.kind)
    if asked.protocol in spoken:
        if not model.takes_tools and _needs_telling(asked):
            return _translated(model, asked, _in_words)
        return _as_it_came(model, asked)
    if _OTHER.get(asked.protocol) in spoken:
        return _translated(model, asked, _as_responses if asked.protocol is Protocol.RESPONSES else _translation)
    raise NotSpoken(f"The model {model.id} cannot be asked by /v1/{asked.protocol.value}.")


def _as_it_came(model: Model, asked: Asked) -> Way:
    fields = _nameless(asked)
    fields["model"] = msgspec.Raw(_encode(model.upstream))
    # Only where the protocol's own provider is asked: servers compatible with it may refuse what they do not know.
    if asked.protocol is Protocol.RESPONSES or (asked.protocol is Protocol.CHAT and model.host == _OWN_HOST):
        fields["store"] = _NO
    hides = asked.protocol is Protocol.CHAT and asked.streams and not asked.wants_usage
    if hides:
        fields["stream_options"] = _COUNT_TOO
    return Way(asked.protocol, _encode(fields), hides, _same, _same, headers=asked.headers)


def _needs_telling(asked: Asked) -> bool:
    """Return whether it is about tools or a schema; all others are left untouched, also what cannot be read here."""
    match asked.protocol:
        case Protocol.CHAT:
            given = {name: plain(asked.fields, name) for name in ("tools", "functions", "messages", "response_format")}
            return speaks_of_tools(given) or has_schema(given)
        case Protocol.COUNT_TOKENS:
            return bool(plain(asked.fields, "tools"))
    return False


def _translated(model: Model, asked: Asked, translate: Callable[[Model, Asked], Way]) -> Way:
    try:
        return translate(model, asked)
    except _ODD:
        pass
    # Raised out here, so that nothing of the request is chained to it.
    raise Problem("A field of the request has a form that cannot be translated for this model.", code="invalid_request")


def _translation(model: Model, asked: Asked) -> Way:
    given = _decode_all(_encode(_nameless(asked)))
    created = round(asked.now.timestamp())
    if asked.protocol is Protocol.CHAT:
        done = request_to_anthropic(given, longest_answer=model.longest_answer)
        to_openai = StreamToOpenAI(model=model.id, created=created, wants_usage=asked.wants_usage)
        return Way(
            Protocol.MESSAGES,
            _encode({"model": model.upstream, **done.body}),
            False,
            lambda body: _whole(lambda: answer_to_openai(body, model=model.id, created=created)),
            lambda chunks: _sound(to_openai.events(decode_events(chunks))),
            _left_out(done.hints, asked),
        )
    own_host = model.host == _OWN_HOST
    done = request_to_openai(given, own_host=own_host)
    told = _told(model, done.body)
    to_anthropic = StreamToAnthropic(model=model.id, input_estimate=min(asked.input_estimate, model.context))
    return Way(
        Protocol.CHAT,
        _encode({"model": model.upstream, **told.body} | ({"store": False} if own_host else {})),
        False,
        lambda body: _whole(lambda: answer_to_anthropic(_with_calls(body, told), model=model.id)),
        lambda chunks: _sound(to_anthropic.events(_reads(chunks, told))),
        _left_out(done.hints, asked),
        trial=_trial(model, told),
    )


def _in_words(model: Model, asked: Asked) -> Way:
    """Return the way to a model that has to be told of tools in words, and held to a schema by a grammar."""
    given = _decode_all(_encode(_nameless(asked)))
    if asked.protocol is Protocol.COUNT_TOKENS:
        return Way(asked.protocol, _encode(_counted(model, given)), False, _same, _same, headers=asked.headers)
    told, hides = _told(model, given), asked.streams and not asked.wants_usage
    fields = told.body | {"model": model.upstream} | ({"stream_options": {"include_usage": True}} if hides else {})
    return Way(
        asked.protocol,
        _encode(fields),
        hides,
        lambda body: _whole(lambda: _with_calls(body, told)),
        lambda chunks: _sound(b"".join(b"data: %s\n\n" % data for data in read) for read in _reads(chunks, told)),
        headers=asked.headers,
        trial=_trial(model, told),
    )


def _as_responses(model: Model, asked: Asked) -> Way:
    """Return the way of a response to a model that speaks chat completions."""
    given = _decode_all(_encode(_nameless(asked)))
    done = request_to_chat(given)
    told = _told(model, done.body)
    begun = begin_response(given, model=model.id, created=round(asked.now.timestamp()))
    to_responses = StreamToResponses(begun)
    return Way(
        Protocol.CHAT,
        _encode(told.body | {"model": model.upstream}),
        False,
        lambda body: _whole(lambda: answer_to_response(_with_calls(body, told), begun)),
        lambda chunks: _sound(to_responses.events(_reads(chunks, told))),
        _left_out(done.hints, asked),
        trial=_trial(model, told),
    )


def _told(model: Model, body: Json) -> Told:
    if model.takes_tools:
        return Told(body)
    told = tell_tools(body) if speaks_of_tools(body) else Told(body)
    return hold_to_form(told.body) if has_schema(told.body) else told


def _counted(model: Model, given: Json) -> Json:
    """Return what is to be counted: the request as the model gets to read it."""
    told = tell_tools(request_to_openai(given, own_host=False).body).body["messages"]
    instructions = [one["content"] for one in told if one["role"] == "system"]  # none where no tool may be called
    messages = [_in_blocks(one) for one in told if one["role"] != "system"]
    return {"model": model.upstream, "messages": messages} | ({"system": instructions[0]} if instructions else {})


def _in_blocks(message: Json) -> Json:
    content = message["content"]
    return message if isinstance(content, str) else message | {"content": [as_block(one) for one in content]}


def _trial(model: Model, told: Told) -> Trial | None:
    if not told.trial_together:
        return None
    return Trial(model.upstream, told.body["messages"], told.trial_together, told.trial_single)


def _with_calls(body: bytes, told: Told) -> bytes:
    return answer_with_calls(body, told.names) if told.names else body


def _reads(chunks: Iterator[bytes], told: Told) -> Iterator[list[bytes]]:
    reads = decode_events(chunks)
    return StreamWithCalls(told.names).reads(reads) if told.names else reads


def _left_out(hints: tuple[str, ...], asked: Asked) -> tuple[str, ...]:
    return (*hints, *(name for name in asked.headers if name in _TRIED_OUT))


def _nameless(asked: Asked) -> Fields:
    removed = _REMOVED[asked.protocol]
    return {name: value for name, value in asked.fields.items() if name not in removed}


def _whole(translate: Callable[[], bytes]) -> bytes:
    """Return what `translate` makes of an answer. Raises ProviderProblem also where its parts are of types they never have."""
    try:
        return translate()
    except _ODD:
        pass
    raise problem(Failure.GARBLED)


def _sound(events: Iterator[bytes]) -> Iterator[bytes]:
    """The same for a stream."""
    try:
        yield from events
    except _ODD:
        pass
    else:
        return
    raise problem(Failure.GARBLED)


def _same(value: Any) -> Any:
    return value
