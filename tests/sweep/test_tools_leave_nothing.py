"""Tools for the embedded model are put in words, in a grammar and in a trial of it: none of the three is written anywhere."""

from pathlib import Path
from typing import Any

import pytest

from chat.policy.sweep import Canary, sweep, watching
from chat.providers.weights import EmbeddedModel
from tests.gateway.site import api_site

pytestmark = [pytest.mark.server, pytest.mark.engine]

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


def test_no_byte_of_a_tool_is_written(weights: EmbeddedModel, tmp_path: Path) -> None:
    canary = Canary()
    settings = {"CHAT_EMBEDDED_MODEL": str(weights.path), "CHAT_LOG_LEVEL": "DEBUG"}

    with api_site("flask", {}, tmp_path, **settings) as api:
        server = api.server
        with watching(server, canary, server.temp, server.instance / "engine") as hits, api.http() as http:
            statuses = [http.post(path, json=body).status_code for path, body in _requests(str(canary))]
        api.settled(1)

        assert statuses == [200, 200, 200, 200, 200, 400, 400, 400]
        assert not [str(one) for one in [*hits, *sweep(canary, server.folder)]]


def _requests(word: str) -> list[tuple[str, dict[str, Any]]]:
    schema = {"type": "object", "properties": {word: {"type": "string", "description": word}}, "required": [word]}
    wrong = {"type": "object", "properties": {word: {"$ref": f"#/{word}"}}}
    asked = {"role": "user", "content": f"Tell me about {word}."}
    call = {"id": f"call_{word}", "type": "function", "function": {"name": word, "arguments": f'{{"{word}": 1}}'}}
    result = {"role": "tool", "tool_call_id": f"call_{word}", "content": word}
    base = {"model": "smollm2-135m", "max_tokens": 20, "messages": [asked]}
    tools = {"tools": [{"type": "function", "function": {"name": word, "description": word, "parameters": schema}}]}
    flat = [{"type": "function", "name": word, "parameters": schema}]
    response = {
        "model": "smollm2-135m",
        "max_output_tokens": 20,
        "input": asked["content"],
        "instructions": word,
        "tools": flat,
    }
    told = [asked, {"role": "assistant", "tool_calls": [call]}, result]
    return [
        (CHAT, base | tools | {"tool_choice": "required"}),
        (CHAT, base | tools | {"stream": True}),
        (CHAT, base | tools | {"messages": told}),
        (MESSAGES, base | {"tools": [{"name": word, "input_schema": schema}], "stream": True}),
        (RESPONSES, response | {"stream": True}),
        (RESPONSES, response | {"include": [word]}),
        (CHAT, base | {"tools": [{"type": "function", "function": {"name": word, "parameters": wrong}}]}),
        (CHAT, base | tools | {"messages": told[:2]}),
    ]
