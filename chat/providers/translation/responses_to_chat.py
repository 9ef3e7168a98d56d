"""A request of OpenAI's responses as one of its chat completions, for a model that is told of tools in words.

Only what both can say: whatever else is set is refused by name. Formats: as the types of OpenAI's SDK state them.
"""

from typing import Any

from chat.providers.translation.refusal import Json, refuse, refuse_unknown, wrong

_TO = "chat completions"
_KNOWN = {
    "model", "input", "instructions", "max_output_tokens", "temperature", "top_p", "stream", "tools", "tool_choice",
    "parallel_tool_calls", "text", "store", "background", "include", "truncation",
}  # fmt: skip
# These may be sent as long as they ask for nothing.
_IDLE: dict[str, tuple[Any, ...]] = {"store": (False,), "background": (False,), "include": ([],), "truncation": ("disabled",)}
_TEXTS = ("input_text", "output_text", "text")


def request_to_chat(given: Json) -> Json:
    """Return the request. Raises Untranslatable, or Problem for a field of a wrong form."""
    refuse_unknown(given, _KNOWN, _TO)
    for name, idle in _IDLE.items():
        if given.get(name) is not None and given[name] not in idle:
            raise refuse(f"`{name}`", _TO)
    body: Json = {"messages": _messages(given), "stream": bool(given.get("stream"))}
    if body["stream"]:
        body["stream_options"] = {"include_usage": True}
    for name, theirs in (("max_output_tokens", "max_tokens"), ("temperature", "temperature"), ("top_p", "top_p")):
        if given.get(name) is not None:
            body[theirs] = given[name]
    body["tools"] = [_tool(one) for one in given.get("tools") or ()]
    if given.get("tool_choice") is not None:
        body["tool_choice"] = _choice(given["tool_choice"])
    text = given.get("text") or {}
    refuse_unknown(text, {"format"}, _TO, "text.")
    if form := _form(text.get("format") or {"type": "text"}):
        body["response_format"] = form
    return body


def _tool(given: Any) -> Json:
    match given:
        case {"type": "function", **rest}:
            return {"type": "function", "function": rest}
        case {"type": str(kind)}:
            raise refuse(f"a tool of type {kind[:40]!r}", _TO)
    raise wrong("tools", "a list of tools")


def _choice(given: Any) -> Any:
    match given:
        case str():
            return given
        case {"type": "function", "name": str(name)}:
            return {"type": "function", "function": {"name": name}}
        case {"type": "allowed_tools", "mode": str(mode), "tools": list(tools)}:
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [_tool(one) for one in tools]}}
    raise refuse("`tool_choice` of this form", _TO)


def _form(given: Any) -> Json | None:
    match given:
        case {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {"type": "json_object"}
        case {"type": "json_schema", **rest}:
            return {"type": "json_schema", "json_schema": rest}
    raise refuse("`text.format` of this form", _TO)


def _messages(given: Json) -> list[Json]:
    messages: list[Json] = []
    if given.get("instructions"):
        messages.append({"role": "system", "content": given["instructions"]})
    said = given.get("input")
    for item in [{"role": "user", "content": said}] if isinstance(said, str) else said or ():
        match item:
            case {"type": "function_call", "call_id": str(call_id), "name": str(name), "arguments": str(arguments)}:
                _call(messages, {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}})
            case {"type": "function_call_output", "call_id": str(call_id), "output": output}:
                messages.append({"role": "tool", "tool_call_id": call_id, "content": _text(output)})
            case {"role": "user" | "assistant" | "system" | "developer" as role, "content": content}:
                messages.append({"role": role, "content": _text(content)})
            case {"type": str(kind)}:
                raise refuse(f"an item of type {kind[:40]!r}", _TO)
            case _:
                raise wrong("input", "a string or a list of items")
    return messages


def _call(messages: list[Json], call: Json) -> None:
    """Add a call to those that were made in the same breath."""
    if messages and messages[-1].get("tool_calls"):
        messages[-1]["tool_calls"].append(call)
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    for part in content:
        if part["type"] not in _TEXTS:
            raise refuse(f"a part of type {str(part['type'])[:40]!r}", _TO)
    return "\n\n".join(part["text"] for part in content)
