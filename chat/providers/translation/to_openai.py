"""A request of Anthropic's messages as one of OpenAI's chat completions. Formats: see `to_anthropic`."""

from typing import Any

import msgspec

from chat.providers.translation.refusal import Json, Translated, refuse, refuse_unknown, wrong

_TO = "OpenAI's chat completions"
_KNOWN = {
    "model", "messages", "max_tokens", "system", "temperature", "top_p", "stop_sequences", "stream", "tools", "tool_choice",
    "thinking", "output_config", "output_format", "service_tier", "cache_control",
}  # fmt: skip
_MOST_STOPS = 4
# Tokens of thinking to OpenAI's word for about as much.
_BUDGETS = ((4096, "low"), (16384, "medium"))
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}


def request_to_openai(given: Json, *, own_host: bool) -> Translated:
    """Return the request. `own_host`: for OpenAI itself, which has newer names than servers compatible with it.

    Raises Untranslatable, or Problem for a field of a wrong form.
    """
    refuse_unknown(given, _KNOWN, _TO)
    hints: set[str] = set()
    if given.get("service_tier") not in (None, "auto", "standard_only"):
        raise refuse("`service_tier`", _TO)
    body: Json = {"messages": _messages(given, hints), "stream": bool(given.get("stream"))}
    body["max_completion_tokens" if own_host else "max_tokens"] = given.get("max_tokens")
    for name in ("temperature", "top_p"):
        if given.get(name) is not None:
            body[name] = given[name]
    if stops := given.get("stop_sequences"):
        if len(stops) > _MOST_STOPS:
            raise refuse(f"more than {_MOST_STOPS} `stop_sequences`", _TO)
        body["stop"] = stops
    if body["stream"]:
        body["stream_options"] = {"include_usage": True}
    body |= _tools(given, hints)
    body |= _thinking(given)
    if given.get("cache_control") is not None:
        hints.add("cache_control")
    return Translated(body, tuple(sorted(hints)))


def _thinking(given: Json) -> Json:
    body: Json = {}
    match given.get("thinking"):
        case None | {"type": "disabled"}:
            pass
        case {"type": "adaptive"}:
            body["reasoning_effort"] = "medium"
        case {"type": "enabled", "budget_tokens": int(budget)}:
            body["reasoning_effort"] = next((word for most, word in _BUDGETS if budget <= most), "high")
        case _:
            raise refuse("`thinking` of this form", _TO)
    output = dict(given.get("output_config") or {})
    if given.get("output_format") is not None:
        output["format"] = given["output_format"]
    refuse_unknown(output, {"effort", "format"}, _TO, "output_config.")
    if effort := output.get("effort"):
        if effort not in _EFFORTS:
            raise refuse(f"`output_config.effort` {effort!r}", _TO)
        body["reasoning_effort"] = _EFFORTS[effort]
    match output.get("format"):
        case None:
            pass
        case {"type": "json_schema", "schema": dict(schema)}:
            wanted = {"name": "answer", "schema": schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        case _:
            raise refuse("`output_config.format` of this form", _TO)
    return body


def _tools(given: Json, hints: set[str]) -> Json:
    body: Json = {}
    if given.get("tools"):
        body["tools"] = [_tool(one, hints) for one in given["tools"]]
    choice = given.get("tool_choice")
    if choice is None or not body.get("tools"):
        return body
    match choice:
        case {"type": "auto" | "none" as kind}:
            body["tool_choice"] = kind
        case {"type": "any"}:
            body["tool_choice"] = "required"
        case {"type": "tool", "name": str(name)}:
            body["tool_choice"] = {"type": "function", "function": {"name": name}}
        case _:
            raise refuse("`tool_choice` of this form", _TO)
    if choice.get("disable_parallel_tool_use"):
        body["parallel_tool_calls"] = False
    return body


def _tool(given: Any, hints: set[str]) -> Json:
    match given:
        case {"name": str(name), "input_schema": dict(schema), **rest} if rest.get("type", "custom") in ("custom", None):
            refuse_unknown(rest, {"type", "description", "cache_control", "strict"}, _TO, "tools.")
            if rest.get("cache_control"):
                hints.add("cache_control")
            function: Json = {"name": name, "parameters": schema}
            if rest.get("description"):
                function["description"] = rest["description"]
            if rest.get("strict"):
                function["strict"] = True
            return {"type": "function", "function": function}
        case {"type": str(kind)}:
            raise refuse(f"a tool of type {kind!r}", _TO)
    raise wrong("tools", "a list of tools")


def _messages(given: Json, hints: set[str]) -> list[Json]:
    messages: list[Json] = []
    system = given.get("system")
    if system:
        text = system if isinstance(system, str) else "\n\n".join(_plain(one, hints) for one in system)
        messages.append({"role": "system", "content": text})
    said = given.get("messages")
    if not isinstance(said, list):
        raise wrong("messages", "a list")
    for message in said:
        match message:
            case {"role": "user", "content": str(text)}:
                messages.append({"role": "user", "content": text})
            case {"role": "assistant", "content": str(text)}:
                messages.append({"role": "assistant", "content": text})
            case {"role": "user", "content": list(blocks)}:
                messages += _user(blocks, hints)
            case {"role": "assistant", "content": list(blocks)}:
                messages.append(_assistant(blocks, hints))
            case {"role": str(role), "content": _}:
                raise refuse(f"a message of role {role!r}", _TO)
            case _:
                raise wrong("messages", "a list of messages with `role` and `content`")
    return messages


def _plain(block: Any, hints: set[str]) -> str:
    match block:
        case {"type": "text", "text": str(text), **rest}:
            refuse_unknown(rest, {"cache_control", "citations"}, _TO, "text.")
            if rest.get("cache_control"):
                hints.add("cache_control")
            return text
    raise wrong("content", "text here")


def _user(blocks: list[Any], hints: set[str]) -> list[Json]:
    """Return the tools' results, which are messages of their own there, and then what the person said."""
    results: list[Json] = []
    parts: list[Json] = []
    for block in blocks:
        match block:
            case {"type": "tool_result", "tool_use_id": str(call), **rest}:
                refuse_unknown(rest, {"content", "is_error", "cache_control"}, _TO, "tool_result.")
                results.append({"role": "tool", "tool_call_id": call, "content": _result(rest, hints)})
            case {"type": "text"}:
                parts.append({"type": "text", "text": _plain(block, hints)})
            case {"type": "image", "source": dict(source)}:
                parts.append({"type": "image_url", "image_url": {"url": _url(source, "image")}})
            case {"type": "document", "source": {"type": "text", "data": str(text)}}:
                parts.append({"type": "text", "text": text})
            case {"type": "document", "source": {"type": "base64"} as source}:
                name = block.get("title") or "document.pdf"
                parts.append({"type": "file", "file": {"filename": name, "file_data": _url(source, "document")}})
            case {"type": str(kind)}:
                raise refuse(f"a block of type {kind!r}", _TO)
            case _:
                raise wrong("messages.content", "a string or a list of blocks")
    only_text = all(one["type"] == "text" for one in parts)
    said = "\n\n".join(one["text"] for one in parts) if only_text else parts
    return [*results, {"role": "user", "content": said}] if parts else results


def _result(rest: dict[Any, Any], hints: set[str]) -> str:
    content = rest.get("content") or ""
    if rest.get("cache_control"):
        hints.add("cache_control")
    text = content if isinstance(content, str) else "\n\n".join(_result_text(one, hints) for one in content)
    return f"Error: {text}" if rest.get("is_error") else text


def _result_text(block: Any, hints: set[str]) -> str:
    if isinstance(block, dict) and block.get("type") not in ("text", None):
        raise refuse(f"a tool's result of type {block.get('type')!r}", _TO)
    return _plain(block, hints)


def _url(source: Json, what: str) -> str:
    match source:
        case {"type": "base64", "media_type": str(kind), "data": str(data)}:
            return f"data:{kind};base64,{data}"
        case {"type": "url", "url": str(url)} if what == "image":
            return url
    raise refuse(f"the source of this {what}", _TO)


def _assistant(blocks: list[Any], hints: set[str]) -> Json:
    texts: list[str] = []
    calls: list[Json] = []
    for block in blocks:
        match block:
            case {"type": "text"}:
                texts.append(_plain(block, hints))
            case {"type": "tool_use", "id": str(call), "name": str(name), "input": given}:
                function = {"name": name, "arguments": msgspec.json.encode(given).decode()}
                calls.append({"id": call, "type": "function", "function": function})
            case {"type": "thinking" | "redacted_thinking" as kind}:
                hints.add(kind)  # the model's own note, which only the model that wrote it can take back
            case {"type": str(kind)}:
                raise refuse(f"a block of type {kind!r}", _TO)
            case _:
                raise wrong("messages.content", "a string or a list of blocks")
    message: Json = {"role": "assistant", "content": "\n\n".join(texts) or None}
    if calls:
        message["tool_calls"] = calls
    return message
