"""Tools for a model whose chat template has no place for them: told in words, and what it says held to a grammar.

llama.cpp leaves the tools of a request out in silence for such a model. So the request is put in words that its template
can say, and a grammar lets through nothing but a call of one of the tools, its arguments by their schema, or plain words.
How what it says is read again: see `tools_called`. Why it is done so: docs/adr/0014.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chat.kernel.errors import Problem
from chat.providers.translation.refusal import Json, NotAble, wrong
from chat.providers.translation.tools_schema import held_to

# OpenAI and Anthropic allow no others; so a name needs no escape in a grammar, nor in what is said.
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_HOW = 'To call a tool, reply only with {"name": its name, "arguments": {its arguments}}.'
_OR_TALK = " Otherwise just answer."
# Turns that show both, with tools that are none of the caller's. Told in words alone, the default model never called, and
# shown the caller's own, it copied them; with these it chose between a call and words as it should in 27 of 32 cases.
_SHOWN = (
    ("Hello!", "Hello! How can I help you?"),
    ("Who wrote Hamlet?", "William Shakespeare wrote Hamlet."),
    ("What time is it in Rome?", '{"name": "get_time", "arguments": {"city": "Rome"}}'),
    ("Convert 20 euros to dollars.", '{"name": "convert", "arguments": {"amount": 20, "to": "dollars"}}'),
)
# What cannot be told in the same breath as tools: each is a grammar too, and an answer has one.
_GRAMMARS = ("grammar", "json_schema")
_REPLACED = ("tools", "tool_choice", "parallel_tool_calls")
_TALK = "TALK: /[^{](.|\\n)*/\n"
# How the trial of a grammar begins: no answer does, unless it is made to.
TRIAL = "~"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Tool:
    """One declared tool. `schema` is that of its arguments."""

    name: str
    description: str
    schema: Json = field(repr=False)
    is_strict: bool


@dataclass(frozen=True, slots=True)
class Told:
    """The request that the model can read, and the grammar to be tried first, if any.

    `names` are the tools it may call, each with a grammar of its own, to tell which one is at fault.
    """

    body: Json = field(repr=False)
    trial_together: str = field(default="", repr=False)
    trial_single: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.trial_single)


def speaks_of_tools(given: Json) -> bool:
    """Return whether the request declares tools, or tells of calls that were made before."""
    if given.get("tools") or given.get("functions"):
        return True
    said = given.get("messages")
    return isinstance(said, list) and any(
        isinstance(one, dict) and (one.get("role") in ("tool", "function") or one.get("tool_calls")) for one in said
    )


def tell_tools(given: Json) -> Told:
    """Return a request of chat completions without tools. Raises NotAble, or Problem for a field of a wrong form."""
    if given.get("functions") or given.get("function_call"):
        raise NotAble("This model takes tools as `tools`, not as `functions` and `function_call`.")
    choice = given.get("tool_choice") or "auto"
    tools = _chosen([_tool(one) for one in given.get("tools") or ()], choice)
    body = {name: value for name, value in given.items() if name not in _REPLACED}
    messages = _in_words(given.get("messages"))
    if not tools:
        return Told(body | {"messages": messages})
    _refuse_other_grammars(given)
    may_talk = choice == "auto" or (isinstance(choice, dict) and _mode(choice) == "auto")
    body["messages"] = _introduced(messages, tools, may_talk=may_talk, has_results=_ends_in_results(given))
    body["grammar"] = _grammar(tools, may_talk=may_talk)
    start = f"{_quoted(TRIAL)} "
    return Told(body, _grammar(tools, start=start), {one.name: _grammar([one], start=start) for one in tools})


def call_begins(name: str) -> str:
    """Return how a call of this tool begins; its arguments follow, and then one brace."""
    return f'{{"name": "{name}", "arguments": '


def _tool(given: Any) -> Tool:
    match given:
        case {"type": "function", "function": {"name": str(name), **rest}} if _NAME.fullmatch(name):
            schema = rest.get("parameters")
            if schema is None:
                schema = {"type": "object", "properties": {}, "additionalProperties": False}
            if not isinstance(schema, dict) or schema.get("type", "object") != "object":
                raise wrong(f"tools.function.parameters` of `{name}", "a JSON schema of type `object`")
            return Tool(name, str(rest.get("description") or ""), schema, bool(rest.get("strict")))
        case {"type": "function"}:
            raise wrong("tools.function.name", "1 to 128 letters, digits, underscores and hyphens")
        case {"type": str(kind)}:
            raise NotAble(f"This model takes no tool of type {kind[:40]!r}, only functions.")
    raise wrong("tools", "a list of tools")


def _chosen(tools: list[Tool], choice: Any) -> list[Tool]:
    """Return the tools that may be called."""
    match choice:
        case "none":
            return []
        case "auto" | "required":
            names = [one.name for one in tools]
        case {"type": "function", "function": {"name": str(name)}}:
            names = [name]
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto" | "required", "tools": list(allowed)}}:
            names = [one["function"]["name"] for one in allowed]
        case _:
            raise NotAble("This model takes no `tool_choice` of this form.")
    by_name = {one.name: one for one in tools}
    if missing := [name for name in names if name not in by_name]:
        raise wrong("tool_choice", f"about one of `tools`, and {str(missing[0])[:128]!r} is not")
    if choice != "auto" and not names:
        raise wrong("tool_choice", "left out where there are no `tools`")
    return [by_name[name] for name in names]


def _mode(choice: Json) -> object:
    return (choice.get("allowed_tools") or {}).get("mode")


def _refuse_other_grammars(given: Json) -> None:
    form = given.get("response_format")
    if form is not None and form.get("type") != "text":
        raise NotAble("This model cannot hold to `response_format` and call `tools` in the same answer. Leave one of them out.")
    for name in _GRAMMARS:
        if given.get(name):
            raise NotAble(f"This model cannot hold to `{name}` and call `tools` in the same answer. Leave one of them out.")


def _grammar(tools: list[Tool], *, start: str = "", may_talk: bool = False) -> str:
    """Return it in the language of llguidance, which xllamacpp's llama.cpp reads: JSON by a schema is a word of it."""
    calls = [f"call_{number}" for number, _ in enumerate(tools)]
    rules = [f"{call}: {_rule(tool)}\n" for call, tool in zip(calls, tools, strict=True)]
    choices = " | ".join([*calls, *(["TALK"] if may_talk else [])])
    return "".join(["%llguidance {}\n", f"start: {start}({choices})\n", *([_TALK] if may_talk else []), *rules])


def _rule(tool: Tool) -> str:
    schema = held_to({"type": "object", **tool.schema}, is_strict=tool.is_strict)
    return f'{_quoted(call_begins(tool.name))} %json {_encode(schema).decode()} "}}"'


def _quoted(text: str) -> str:
    return _encode(text).decode()


def _introduced(messages: list[Json], tools: list[Tool], *, may_talk: bool, has_results: bool) -> list[Json]:
    """Return the conversation behind an instruction that tells the tools, and where it may choose, turns that show how.

    Behind a tool's results they would make the default model call again, for ever.
    """
    told = "\n".join(["You can call these tools:", *map(_described, tools), _HOW + (_OR_TALK if may_talk else "")])
    if messages and messages[0].get("role") in ("system", "developer"):
        told = f"{_text(messages[0].get('content'))}\n\n{told}"
        messages = messages[1:]
    shown: list[Json] = []
    if may_talk and not has_results:
        for asked, said in _SHOWN:
            shown += [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return [{"role": "system", "content": told}, *shown, *messages]


def _ends_in_results(given: Json) -> bool:
    return bool(given["messages"]) and given["messages"][-1].get("role") == "tool"


def _described(tool: Tool) -> str:
    return _encode({"name": tool.name, "description": tool.description, "parameters": tool.schema}).decode()


def _in_words(given: Any) -> list[Json]:
    """Return the conversation with the results of tools in the words of whoever asked, and without the calls.

    A model that has read its own call makes it again, whatever came of it.
    """
    if not isinstance(given, list):
        raise wrong("messages", "a list")
    messages: list[Json] = []
    made: dict[str, str] = {}  # calls without their results yet
    for message in given:
        match message:
            case {"role": "assistant", "tool_calls": [_, *_] as calls}:
                made = dict(map(_made, calls))
                if message.get("content"):
                    messages.append({"role": "assistant", "content": message["content"]})
            case {"role": "tool", "tool_call_id": str(call_id)} if call_id in made:
                _tell(messages, f"Result of {made.pop(call_id)}: {_text(message.get('content'))}")
            case {"role": "tool"}:
                raise wrong("messages.tool_call_id", "the id of a call in the message of the assistant before it")
            case {"role": "function"}:
                raise NotAble("This model takes tools as `tools`, not as `functions` and messages of role `function`.")
            case {"role": str()} if not made:
                messages.append({name: value for name, value in message.items() if name != "tool_calls"})
            case _:
                raise _unanswered() if made else wrong("messages", "a list of messages with a `role`")
    if made:
        raise _unanswered()
    return messages


def _unanswered() -> Problem:
    return wrong("messages", "so that a message of role `tool` for each of its calls follows one with `tool_calls`")


def _made(call: Any) -> tuple[str, str]:
    """Return the call's id, and the call in words."""
    match call:
        case {"id": str(call_id), "function": {"name": str(name), "arguments": str(arguments)}}:
            return call_id, f"{name} {arguments or '{}'}"
    raise wrong("messages.tool_calls", "a list of calls of functions")


def _tell(messages: list[Json], result: str) -> None:
    """Add a result to what was asked: many templates want the two sides to take turns."""
    last = messages[-1] if messages else {}
    match last:
        case {"role": "user", "content": str(asked)}:
            messages[-1] = last | {"content": f"{asked}\n\n{result}"}
        case {"role": "user", "content": list(parts)}:
            messages[-1] = last | {"content": [*parts, {"type": "text", "text": result}]}
        case _:
            messages.append({"role": "user", "content": result})


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not all(one["type"] == "text" for one in content):
        raise NotAble("This model reads only text in an instruction, in a call and in what a tool returns.")
    return "\n".join(one["text"] for one in content)
