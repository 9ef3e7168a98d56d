"""What the API takes and answers, as an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0), for programs that read such.

It states what the gateway itself looks at. All else of a request is between the caller and the provider, and passes untouched;
OpenAI's and Anthropic's own references describe it. A test holds the document beside the routes, and another one tries it out.
"""

from typing import Any

from chat.gateway import policy_header, protocol_headers
from chat.providers.passing import Protocol

Schema = dict[str, Any]

_MAYBE_FLAG: Schema = {"type": ["boolean", "null"]}
_LIMIT: Schema = {"type": ["integer", "null"], "minimum": 1}
_LIST: Schema = {"type": "array", "items": {}}
_TEXT_OR_LIST: Schema = {"type": ["string", "array"], "items": {}}
_MODEL: Schema = {"type": "string", "minLength": 1, "description": "An id of `GET /v1/models`."}
_NOT_KEPT: Schema = {"enum": [False, None], "description": "This site keeps nothing of what passes, so `true` is refused."}
_NO_STATE: Schema = {"type": "null", "description": "Nothing is kept that one could go on from: send the whole conversation."}
_STREAM_OPTIONS: Schema = {"type": ["object", "null"], "properties": {"include_usage": _MAYBE_FLAG}}

_REQUESTS: dict[Protocol, tuple[str, Schema]] = {
    Protocol.CHAT: (
        "messages",
        {
            "messages": _LIST,
            "max_completion_tokens": _LIMIT,
            "max_tokens": _LIMIT,
            "stream": _MAYBE_FLAG,
            "stream_options": _STREAM_OPTIONS,
        },
    ),
    Protocol.RESPONSES: (
        "input",
        {
            "input": _TEXT_OR_LIST,
            "max_output_tokens": _LIMIT,
            "stream": _MAYBE_FLAG,
            "store": _NOT_KEPT,
            "background": _NOT_KEPT,
            "previous_response_id": _NO_STATE,
            "conversation": _NO_STATE,
        },
    ),
    Protocol.MESSAGES: ("messages", {"messages": _LIST, "max_tokens": _LIMIT, "stream": _MAYBE_FLAG}),
    Protocol.COUNT_TOKENS: ("messages", {"messages": _LIST}),
    Protocol.EMBEDDINGS: ("input", {"input": _TEXT_OR_LIST}),
}
_SUMMARIES = {
    Protocol.CHAT: "Chat completions, as OpenAI's clients ask for them",
    Protocol.RESPONSES: "Responses, stateless",
    Protocol.MESSAGES: "Messages, as Anthropic's clients ask for them",
    Protocol.COUNT_TOKENS: "How many tokens a request would be",
    Protocol.EMBEDDINGS: "Embeddings of texts",
}
_STREAMS = (Protocol.CHAT, Protocol.RESPONSES, Protocol.MESSAGES)
_ANTHROPIC = (Protocol.MESSAGES, Protocol.COUNT_TOKENS)
_FAILURES = {
    "400": "The request is wrong, or cannot be put to this model; the message names what.",
    "401": "No key, or none that is valid.",
    "403": "The key, the account or the site does not allow this.",
    "404": "There is no such model for this key.",
    "409": "The request has not ended yet, so its receipt is not complete: ask again in a moment.",
    "413": "The body is larger than this site takes.",
    "415": "The provider does not take this kind of content.",
    "422": "The provider cannot process what was sent.",
    "429": "A limit is reached, or a budget is used up: `Retry-After` says when to try again.",
    "500": "Something went wrong at this site.",
    "502": "The provider failed.",
    "503": "The provider cannot be reached, or is overloaded.",
    "504": "The provider took too long.",
    "529": "The provider is overloaded.",
}
_SAYS_WHO = {
    "X-Candor-Provider": "Who answered.",
    "X-Candor-Region": "Where the provider says it computes.",
    "X-Candor-Receipt": "The id of this request's data receipt: `GET /v1/receipts/{receipt_id}`, once the answer has ended.",
}


def describe(site_name: str, base_url: str) -> Schema:
    """Return the document for the API below `base_url`, the site's origin."""
    paths: dict[str, Schema] = {f"/v1/{protocol.value}": {"post": _operation(protocol)} for protocol in Protocol}
    paths["/v1/models"] = {"get": _reading("List the models that this key may use", "listModels", "ModelList")}
    paths["/v1/models/{model_id}"] = {
        "parameters": [
            {"name": "model_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
        ],
        "get": _reading("One of them", "getModel", "Model"),
    }
    paths["/v1/receipts/{receipt_id}"] = {
        "parameters": [
            {"name": "receipt_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
        ],
        "get": _reading("The data receipt of a request of this key", "getReceipt", "Receipt"),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{site_name}: the API",
            "version": "1",
            "summary": "OpenAI's and Anthropic's protocols before every model of this site. Nothing that passes is stored.",
        },
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}, {"header": []}],
        "paths": paths,
        "components": {
            "parameters": {"Policy": _POLICY, "Version": _VERSION, "Beta": _BETA},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer ck-…`"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": _schemas(),
        },
    }


def _header(name: str, words: str, pattern: str) -> Schema:
    """Return a header that a request may have."""
    schema = {"type": "string", "pattern": f"^({pattern})$"}
    return {"name": name, "in": "header", "required": False, "description": words, "schema": schema}


_POLICY = _header(
    policy_header.NAME,
    "What this request demands of whoever answers, beside what its key, its account and the site demand: a list of "
    "`no_training`, `zero_retention` and `region=NAME`, with commas. A provider that does not declare it is not asked.",
    policy_header.PATTERN,
)
_VERSION = _header(
    "anthropic-version",
    "The version of the protocol that the request is written in; it goes to the provider with it.",
    protocol_headers.DAY,
)
_BETA = _header(
    "anthropic-beta",
    "What the request makes use of that is only tried out yet; it goes to the provider with it.",
    protocol_headers.NAMES,
)


def _parameters(protocol: Protocol) -> tuple[str, ...]:
    return ("Policy", "Version", "Beta") if protocol in _ANTHROPIC else ("Policy",)


def _operation(protocol: Protocol) -> Schema:
    required, fields = _REQUESTS[protocol]
    body = {"type": "object", "required": ["model", required], "properties": {"model": _MODEL} | fields}
    content: Schema = {"application/json": {"schema": {"type": "object"}}}
    if protocol in _STREAMS:
        content["text/event-stream"] = {"schema": _object(data={"type": "string"})}  # of each event
    answer = {"description": "The provider's answer, in this protocol.", "headers": _headers(_SAYS_WHO), "content": content}
    return {
        "operationId": protocol.value.replace("/", "_"),
        "summary": _SUMMARIES[protocol],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _parameters(protocol)],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": answer} | _failures("AnthropicError" if protocol in _ANTHROPIC else "OpenAIError"),
    }


def _reading(summary: str, name: str, schema: str) -> Schema:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    failures = {
        status: one for status, one in _failures("OpenAIError").items() if status in ("401", "403", "404", "409", "429")
    }
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": {"description": summary + ".", "content": content}} | failures,
    }


def _failures(schema: str) -> dict[str, Schema]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    failures: dict[str, Schema] = {
        status: {"description": words, "content": content, "headers": _headers({"X-Request-Id": "Names this request."})}
        for status, words in _FAILURES.items()
    }
    failures["429"]["headers"] |= {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}}
    return failures


def _headers(words: dict[str, str]) -> dict[str, Schema]:
    return {name: {"description": said, "schema": {"type": "string"}} for name, said in words.items()}


def _schemas() -> dict[str, Schema]:
    text: Schema = {"type": "string"}
    return {
        "OpenAIError": _object(
            error=_object(message=text, type=text, param={"type": ["string", "null"]}, code={"type": ["string", "null"]})
        ),
        "AnthropicError": _object(type={"const": "error"}, error=_object(type=text, message=text), request_id=text),
        "Model": _object(
            id=text,
            object={"const": "model"},
            type={"const": "model"},
            display_name=text,
            created={"type": "integer"},
            created_at={"type": "string", "format": "date-time"},
            owned_by=text,
            context_window={"type": "integer"},
            region=text,
            retention_days={"type": "integer", "minimum": 0},
            trains={"type": "boolean"},
        ),
        # docs/receipts.md says what each field says; it is signed, and can be checked without this site.
        "Receipt": _object(
            type={"const": "candor-data-receipt/1"},
            site=text,
            issued_at={"type": "string", "format": "date-time"},
            asked_at={"type": "string", "format": "date-time"},
            answer=text,
            source=text,
            outcome=text,
            code={"type": ["string", "null"]},
            **{one: {"type": "object"} for one in ("model", "provider", "sent", "received", "stored", "logged", "proof")},
        ),
        "ModelList": _object(
            object={"const": "list"},
            data={"type": "array", "items": {"$ref": "#/components/schemas/Model"}},
            has_more={"type": "boolean"},
            first_id={"type": ["string", "null"]},
            last_id={"type": ["string", "null"]},
        ),
    }


def _object(**fields: Schema) -> Schema:
    """An object with all of these fields, and room for more."""
    return {"type": "object", "required": list(fields), "properties": fields}
