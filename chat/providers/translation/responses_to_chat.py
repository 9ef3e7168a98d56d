"""A request of OpenAI's responses as one of its chat completions, which is all that llama.cpp speaks well enough.

Only what both can say: whatever else is set is refused by name. Formats: as the types of OpenAI's SDK state them.
"""

from collections.abc import Mapping
from typing import Any

from chat.providers.translation.refusal import Json, Translated, refuse, refuse_unknown, wrong

_TO = "chat completions"
_SAME = ("temperature", "top_p", "parallel_tool_calls")
# These may be sent as long as they ask for nothing, or for what is done anyway.
_IDLE: dict[str, tuple[Any, ...]] = {
    "store": (False,),
    "background": (False,),
    "include": ([],),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
}
_IDLE_OF_TEXT: dict[str, tuple[Any, ...]] = {"verbosity": ("medium",)}
# Random letters, to hide from who listens on the line how long each piece is: whoever wants them must hear of their lack.
_IDLE_OF_STREAMS: dict[str, tuple[Any, ...]] = {"include_obfuscation": (False,)}
# What is too long is refused by the engine, by name, where `truncation` would cut it; of OpenAI's own tools there are none.
_HINTS = {"truncation": ("disabled",), "max_tool_calls": ()}
_KNOWN = {
    "model", "input", "instructions", "max_output_tokens", "stream", "stream_options", "tools", "tool_choice", "text",
    "reasoning", *_SAME, *_IDLE, *_HINTS,
}  # fmt: skip


def request_to_chat(given: Json) -> Translated:
    """Return the request. Raises Untranslatable, or Problem for a field of a wrong form."""
    refuse_unknown(given, _KNOWN, _TO)
    refuse_unknown(given.get("reasoning") or {}, (), _TO, "reasoning.")
    _refuse_busy(given, _IDLE)
    options = given.get("stream_options") or {}
    refuse_unknown(options, _IDLE_OF_STREAMS, _TO, "stream_options.")
    _refuse_busy(options, _IDLE_OF_STREAMS, "stream_options.")
    hints = {name for name, idle in _HINTS.items() if given.get(name) is not None and given[name] not in idle}
    body: Json = {"messages": _messages(given, hints), "stream": bool(given.get("stream"))}
    if body["stream"]:
        body["stream_options"] = {"include_usage": True}
    if given.get("max_output_tokens") is not None:
        body["max_tokens"] = given["max_output_tokens"]
    body |= {name: given[name] for name in _SAME if given.get(name) is not None}
    body |= _tools(given)
    text = given.get("text") or {}
    refuse_unknown(text, {"format", *_IDLE_OF_TEXT}, _TO, "text.")
    _refuse_busy(text, _IDLE_OF_TEXT, "text.")
    if form := _form(text.get("format") or {"type": "text"}):
        body["response_format"] = form
    return Translated(body, tuple(sorted(hints)))


def _refuse_busy(given: Mapping[str, Any], idle: Mapping[str, tuple[Any, ...]], where: str = "") -> None:
    for name, values in idle.items():
        if given.get(name) is not None and given[name] not in values:
            raise refuse(f"`{where}{name}`", _TO)


def _tools(given: Json) -> Json:
    body: Json = {}
    if given.get("tools"):
        body["tools"] = [_tool(one) for one in given["tools"]]
    if given.get("tool_choice") is not None:
        choice = _choice(given["tool_choice"])
        if body:
            body["tool_choice"] = choice
        elif choice not in ("auto", "none"):
            raise wrong("tool_choice", "left out where there are no `tools`")
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


def _messages(given: Json, hints: set[str]) -> list[Json]:
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
            case {"type": "reasoning"}:
                hints.add("reasoning")  # the model's own note, which chat completions do not take back
            case {"role": "user" | "assistant" as role, "content": content, **rest} if rest.get("type", "message") == "message":
                messages.append({"role": role, "content": _content(content)})
            case {"role": "system" | "developer", "content": content, **rest} if rest.get("type", "message") == "message":
                _instruct(messages, _text(content))
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


def _instruct(messages: list[Json], text: str) -> None:
    """Add an instruction to the one before it: many templates have a place for one alone, and no developer."""
    if messages and messages[-1]["role"] == "system":
        messages[-1]["content"] += f"\n\n{text}"
    else:
        messages.append({"role": "system", "content": text})


def _content(content: Any) -> str | list[Json]:
    """Return it as text, or in parts where there are images."""
    if isinstance(content, str):
        return content
    parts = [_part(one) for one in content]
    return "\n\n".join(one["text"] for one in parts) if all(one["type"] == "text" for one in parts) else parts


def _text(content: Any) -> str:
    text = _content(content)
    if isinstance(text, str):
        return text
    raise refuse("an image in an instruction or in a tool's output", _TO)


def _part(given: Any) -> Json:
    match given:
        case {"type": "input_text" | "output_text" | "text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "input_image", "image_url": str(url), **rest}:
            return {"type": "image_url", "image_url": {"url": url, "detail": rest.get("detail") or "auto"}}
        case {"type": str(kind)}:
            raise refuse(f"a part of type {kind[:40]!r}", _TO)
    raise wrong("input.content", "a string or a list of parts")
