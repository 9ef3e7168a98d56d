"""A request of OpenAI's chat completions as one of Anthropic's messages.

Formats: platform.openai.com/docs/api-reference/chat and platform.claude.com/docs/en/api/messages, as the types
of both SDKs state them.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from chat.providers.translation.refusal import Json, Translated, refuse, refuse_unknown, wrong

_TO = "Anthropic's messages"
# Fields that say who asks are taken away before anything is translated.
_KNOWN = {
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "stream", "stream_options",
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "n", "store", "service_tier",
    "modalities", "logprobs", "presence_penalty", "frequency_penalty", "logit_bias",
}  # fmt: skip
# These may be sent as long as they ask for nothing.
_IDLE: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "store": (False,),
    "service_tier": ("auto", "default"),
    "modalities": (["text"],),
    "logprobs": (False,),
    "presence_penalty": (0, 0.0),
    "frequency_penalty": (0, 0.0),
    "logit_bias": ({},),
}
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_DATA_URL = re.compile(r"data:(?P<kind>[\w.+/-]+);base64,(?P<data>.*)", re.DOTALL)


def request_to_anthropic(given: Json, *, longest_answer: int) -> Translated:
    """Return the request. Raises Untranslatable, or Problem for a field of a wrong form."""
    refuse_unknown(given, _KNOWN, _TO)
    for name, idle in _IDLE.items():
        if given.get(name) is not None and given[name] not in idle:
            raise refuse(f"`{name}`", _TO)
    hints: set[str] = set()
    system, messages = _conversation(given.get("messages"), hints)
    most = given.get("max_completion_tokens") or given.get("max_tokens") or longest_answer
    body: Json = {"messages": messages, "max_tokens": most, "stream": bool(given.get("stream"))}
    if system:
        body["system"] = system
    for name in ("temperature", "top_p"):
        if given.get(name) is not None:
            body[name] = given[name]
    if isinstance(given.get("temperature"), int | float) and given["temperature"] > 1:
        raise refuse("`temperature` above 1", _TO)
    if given.get("stop") is not None:
        body["stop_sequences"] = [given["stop"]] if isinstance(given["stop"], str) else given["stop"]
    body |= _tools(given)
    if output := _output(given):
        body["output_config"] = output
    return Translated(body, tuple(sorted(hints)))


def _output(given: Json) -> Json:
    output: Json = {}
    effort = given.get("reasoning_effort")
    if effort is not None and effort != "none":
        if effort not in _EFFORTS:
            raise refuse(f"`reasoning_effort` {effort!r}", _TO)
        output["effort"] = _EFFORTS[effort]
    wanted = given.get("response_format") or {"type": "text"}
    match wanted.get("type"):
        case "text":
            pass
        case "json_schema":
            schema = wanted.get("json_schema")
            if not isinstance(schema, dict) or not isinstance(schema.get("schema"), dict):
                raise wrong("response_format.json_schema.schema", "a JSON schema")
            output["format"] = {"type": "json_schema", "schema": schema["schema"]}
        case other:
            raise refuse(f"`response_format` {other!r}", _TO)
    return output


def _tools(given: Json) -> Json:
    body: Json = {}
    if given.get("tools"):
        body["tools"] = [_tool(one) for one in given["tools"]]
    choice = given.get("tool_choice")
    chosen: Json | None = None
    match choice:
        case None:
            pass
        case "auto" | "none":
            chosen = {"type": choice}
        case "required":
            chosen = {"type": "any"}
        case {"type": "function", "function": {"name": str(name)}}:
            chosen = {"type": "tool", "name": name}
        case _:
            raise refuse("`tool_choice` of this form", _TO)
    if given.get("parallel_tool_calls") is False and body.get("tools"):
        chosen = {**(chosen or {"type": "auto"})}
        if chosen["type"] != "none":
            chosen["disable_parallel_tool_use"] = True
    if chosen is not None and body.get("tools"):
        body["tool_choice"] = chosen
    return body


def _tool(given: Any) -> Json:
    match given:
        case {"type": "function", "function": {"name": str(name), **rest}}:
            refuse_unknown(rest, {"description", "parameters", "strict"}, _TO, "tools.function.")
            tool: Json = {"name": name, "input_schema": rest.get("parameters") or {"type": "object", "properties": {}}}
            if rest.get("description"):
                tool["description"] = rest["description"]
            if rest.get("strict"):
                tool["strict"] = True
            return tool
        case {"type": str(kind)}:
            raise refuse(f"a tool of type {kind!r}", _TO)
    raise wrong("tools", "a list of tools")


def _conversation(given: Any, hints: set[str]) -> tuple[list[Json], list[Json]]:
    if not isinstance(given, list):
        raise wrong("messages", "a list")
    system: list[Json] = []
    said: list[Json] = []
    for message in given:
        if not isinstance(message, dict):
            raise wrong("messages", "a list of messages")
        match message.get("role"):
            case "system" | "developer":
                if said:
                    raise refuse("an instruction (`system`, `developer`) behind other messages", _TO)
                system += [{"type": "text", "text": text} for text in _texts(message)]
            case "user":
                _say(said, "user", _user_parts(message))
            case "assistant":
                _say(said, "assistant", _assistant_parts(message, hints))
            case "tool":
                _say(said, "user", [_tool_result(message)])
            case role:
                raise refuse(f"a message of role {role!r}", _TO)
    return system, said


def _say(said: list[Json], role: str, parts: list[Json]) -> None:
    """Add to what this side said last: results of several tools are one turn there."""
    if said and said[-1]["role"] == role:
        said[-1]["content"] += parts
    elif parts:
        said.append({"role": role, "content": parts})


def _texts(message: Json) -> Iterable[str]:
    refuse_unknown(message, {"role", "content"}, _TO, "messages.")
    content = message.get("content")
    if isinstance(content, str):
        return [content] if content else []
    parts = content if isinstance(content, list) else []
    if not parts or any(not isinstance(one, dict) or one.get("type") != "text" for one in parts):
        raise wrong("messages.content of an instruction", "text")
    return [one["text"] for one in parts if one.get("text")]


def _user_parts(message: Json) -> list[Json]:
    refuse_unknown(message, {"role", "content"}, _TO, "messages.")
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        raise wrong("messages.content", "a string or a list of parts")
    return [_user_part(one) for one in content]


def _user_part(part: Any) -> Json:
    match part:
        case {"type": "text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return {"type": "image", "source": _source(url)}
        case {"type": "file", "file": {"file_data": str(data)}}:
            source = _source(data)
            if source.get("media_type") != "application/pdf":
                raise refuse("a file that is no PDF", _TO)
            return {"type": "document", "source": source}
        case {"type": str(kind)}:
            raise refuse(f"a part of type {kind!r}", _TO)
    raise wrong("messages.content", "a string or a list of parts")


def _source(url: str) -> Json:
    found = _DATA_URL.fullmatch(url)
    if found:
        return {"type": "base64", "media_type": found["kind"], "data": found["data"]}
    if url.startswith("https://"):
        return {"type": "url", "url": url}
    raise wrong("url", "an https address or base64 data")


def _assistant_parts(message: Json, hints: set[str]) -> list[Json]:
    refuse_unknown(message, {"role", "content", "tool_calls", "refusal", "reasoning_content"}, _TO, "messages.")
    if message.get("reasoning_content"):
        hints.add("reasoning_content")  # the model's own note, which only the model that wrote it can take back
    content = message.get("content")
    texts = [content] if isinstance(content, str) else [_assistant_text(one) for one in content or ()]
    parts: list[Json] = [{"type": "text", "text": text} for text in (*texts, message.get("refusal")) if text]
    return [*parts, *map(_tool_use, message.get("tool_calls") or ())]


def _assistant_text(part: Any) -> str:
    match part:
        case {"type": "text", "text": str(text)} | {"type": "refusal", "refusal": str(text)}:
            return text
    raise refuse("a part of an answer that is not text", _TO)


def _tool_use(call: Any) -> Json:
    match call:
        case {"id": str(call_id), "type": "function", "function": {"name": str(name), "arguments": str(arguments)}}:
            try:
                given = msgspec.json.decode(arguments or "{}", type=dict)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                raise wrong("tool_calls.function.arguments", "a JSON object in a string") from None
            return {"type": "tool_use", "id": call_id, "name": name, "input": given}
    raise refuse("a tool call of this form", _TO)


def _tool_result(message: Json) -> Json:
    refuse_unknown(message, {"role", "content", "tool_call_id"}, _TO, "messages.")
    content = message.get("content")
    if isinstance(content, list):
        content = [_user_part(one) for one in content]
    return {"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": content or ""}
