"""Images with the model that runs on this machine, by both official SDKs: with a projector it sees, and says what.

The projector is the tests' own and knows three colours (see `tests/projector.py`); everything around it is as for any other.
"""

import json
import os
import random
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import anthropic
import jsonschema
import openai
import pytest

from chat.providers.weights import EmbeddedModel
from tests.gateway.provider import Provider
from tests.gateway.sdk import Sdk
from tests.gateway.site import ApiSite, api_site, models
from tests.images import GIF, JPEG, WEBP, data_url, png, png_of, png_that_no_decoder_reads
from tests.projector import TOKENS

pytestmark = [pytest.mark.server, pytest.mark.engine]

MODEL = "smollm2-135m"
QUESTION = "What is the color of this picture?"
COLOURS = {"red": png_of(255, 0, 0), "green": png_of(0, 255, 0), "blue": png_of(0, 0, 255)}
RED = COLOURS["red"]
SAY = {"type": "object", "properties": {"color": {"type": "string"}}, "required": ["color"], "additionalProperties": False}
SAY_TOOL = {"type": "function", "function": {"name": "say_color", "description": "Says a color", "parameters": SAY}}
CANNOT_BE_READ = {
    "webp": (WEBP, "cannot read WebP"),
    "words": (b"no image at all", "is no image"),
    "nothing": (b"", "is no image"),
    "cut off": (RED[:60], "damaged or cut off"),
    "huge": (RED[:16] + b"\0\0\x75\x30" * 2 + RED[24:], "30,000 × 30,000 pixels"),
    "large": (RED[:16] + b"\0\0\x1b\x58" * 2 + RED[24:], "32 million pixels"),
    "undecodable": (png_that_no_decoder_reads(), "Failed to load image"),
    "a bomb": (png_of(0, 0, 0, 1, pixels=bytes(10_000_000)), "damaged or cut off"),
}


@pytest.fixture(scope="module")
def api(
    weights: EmbeddedModel, projector: Path, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiSite]:
    """The embedded model with a projector, and `first-here`: the same, or where it cannot, another provider's."""
    policy = {"region": "this machine", "retention_days": 0, "trains": False, "checked": "2026-11-21"}
    here = {"id": MODEL, "name": MODEL, "upstream": "smollm2", "context": 8192, "longest_answer": 2048}
    profile = {
        "providers": [
            {"id": "embedded", "name": "This machine", "kind": "embedded", "policy": policy, "models": [here]},
            *models(provider.url, ["ok"]),
        ],
        "routes": [{"name": "first-here", "models": [{"id": MODEL, "weight": 1}, {"id": "gpt-ok", "weight": 0}]}],
    }
    folder = tmp_path_factory.mktemp("vision")
    settings = {"CHAT_EMBEDDED_MODEL": str(weights.path), "CHAT_EMBEDDED_PROJECTOR": str(projector)}
    with api_site("gunicorn", profile, folder, PATH=f"{_traps(folder)}:{os.environ['PATH']}", **settings) as started:
        yield started
        assert not (folder / "ran").exists()  # llama.cpp takes for a film what it cannot read


def chat(picture: bytes | str, question: str = QUESTION) -> dict[str, Any]:
    url = picture if isinstance(picture, str) else data_url(picture)
    parts = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": url}}]
    return {"model": MODEL, "messages": [{"role": "user", "content": parts}], "max_tokens": 12, "temperature": 0}


def message(picture: bytes | str, **more: Any) -> dict[str, Any]:
    source = (
        {"type": "base64", "media_type": "image/png", "data": data_url(picture).partition(",")[2]}
        if isinstance(picture, bytes)
        else {"type": "url", "url": picture}
    )
    blocks = [{"type": "text", "text": QUESTION}, {"type": "image", "source": source}]
    asked = {"model": MODEL, "messages": [{"role": "user", "content": blocks}], "max_tokens": 12}
    return asked | {"extra_body": {"temperature": 0}} | more


def response(picture: bytes | str) -> dict[str, Any]:
    url = picture if isinstance(picture, str) else data_url(picture)
    parts = [{"type": "input_text", "text": QUESTION}, {"type": "input_image", "image_url": url, "detail": "auto"}]
    return {"model": MODEL, "input": [{"role": "user", "content": parts}], "max_output_tokens": 16, "temperature": 0}


@pytest.mark.parametrize("colour", COLOURS)
def test_a_chat_completion_says_what_it_sees(openai_client: Sdk, api: ApiSite, colour: str) -> None:
    asked = chat(COLOURS[colour])

    answer = openai_client("chat.completions.create", **asked)
    chunks = openai_client.events("chat.completions.create", stream_options={"include_usage": True}, **asked)

    said = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert colour in answer.choices[0].message.content
    assert said == answer.choices[0].message.content
    assert chunks[-1].usage.prompt_tokens == answer.usage.prompt_tokens
    assert [(row.status, row.estimated, row.input_tokens) for row in api.settled(2)] == [
        ("done", False, answer.usage.prompt_tokens)
    ] * 2


@pytest.mark.parametrize("colour", COLOURS)
def test_a_message_says_what_it_sees(anthropic_client: Sdk, colour: str) -> None:
    asked = message(COLOURS[colour])

    answer = anthropic_client("messages.create", **asked)
    events = anthropic_client.events("messages.create", **asked)
    final = anthropic_client.final("messages.stream", "get_final_message", **asked)

    assert colour in answer.content[0].text
    assert final.content[0].text == answer.content[0].text
    assert "".join(one.delta.text for one in events if one.type == "content_block_delta") == answer.content[0].text


@pytest.mark.parametrize("colour", COLOURS)
def test_a_response_says_what_it_sees(openai_client: Sdk, colour: str) -> None:
    asked = response(COLOURS[colour])

    answer = openai_client("responses.create", **asked)
    events = openai_client.events("responses.create", **asked)

    assert colour in answer.output_text
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == answer.output_text


def test_tokens_of_an_image_are_counted_as_the_engine_reads_them(anthropic_client: Sdk, openai_client: Sdk) -> None:
    asked = {name: value for name, value in message(RED).items() if name in ("model", "messages")}
    words = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}

    counted = anthropic_client("messages.count_tokens", **asked).input_tokens
    read = anthropic_client("messages.create", **message(RED)).usage

    assert counted == read.input_tokens + (read.cache_read_input_tokens or 0)
    assert counted == anthropic_client("messages.count_tokens", **words).input_tokens + TOKENS


def test_an_image_is_not_estimated_by_its_bytes_where_nobody_reads_to_the_end(openai_client: Sdk, api: ApiSite) -> None:
    noise = random.Random(1)
    large = png_of(0, 0, 0, 300, pixels=b"".join(b"\0" + noise.randbytes(900) for _ in range(300)))
    asked = chat(large, "Write a long story about a lighthouse.") | {"max_tokens": 2000}

    openai_client.events("chat.completions.create", most=3, **asked)

    (row,) = api.settled(1)
    assert (row.status, row.estimated) == ("stopped", True)
    assert row.input_tokens <= 8192


def test_an_image_counts_beside_tools_as_well(anthropic_client: Sdk) -> None:
    tools = [{"name": "say_color", "input_schema": SAY}]
    asked = {name: value for name, value in message(RED).items() if name in ("model", "messages")}

    with_image = anthropic_client("messages.count_tokens", tools=tools, **asked).input_tokens
    asked["messages"][0]["content"].pop()
    without = anthropic_client("messages.count_tokens", tools=tools, **asked).input_tokens

    assert with_image == without + TOKENS


@pytest.mark.parametrize("streams", [False, True])
def test_a_tool_is_called_about_an_image(openai_client: Sdk, streams: bool) -> None:
    asked = chat(RED, "Say the color of this picture.") | {"tools": [SAY_TOOL], "tool_choice": "required", "max_tokens": 40}

    if streams:
        final = openai_client.final("chat.completions.stream", "get_final_completion", **asked)
        (call,) = final.choices[0].message.tool_calls
    else:
        (call,) = openai_client("chat.completions.create", **asked).choices[0].message.tool_calls

    jsonschema.validate(json.loads(call.function.arguments), SAY)


def test_a_tool_whose_schema_is_wrong_is_refused_beside_an_image_too(openai_client: Sdk) -> None:
    wrong = {"type": "object", "properties": {"color": {"type": "string", "pattern": "(a"}}}
    tools = [{"type": "function", "function": {"name": "say_color", "parameters": wrong}}]

    with pytest.raises(openai.BadRequestError, match="`say_color`"):
        openai_client("chat.completions.create", **chat(RED), tools=tools)


def test_an_answer_about_an_image_is_held_to_a_schema(openai_client: Sdk) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "color", "strict": True, "schema": SAY}}

    answer = openai_client("chat.completions.create", **chat(RED) | {"max_tokens": 40}, response_format=form)

    jsonschema.validate(json.loads(answer.choices[0].message.content), SAY)


@pytest.mark.parametrize("picture", [png(), GIF, JPEG])
def test_every_kind_that_is_offered_is_read(openai_client: Sdk, picture: bytes) -> None:
    without = openai_client("chat.completions.create", **chat(picture) | {"messages": [{"role": "user", "content": QUESTION}]})

    answer = openai_client("chat.completions.create", **chat(picture))

    assert answer.usage.prompt_tokens == without.usage.prompt_tokens + TOKENS


@pytest.mark.parametrize("case", CANNOT_BE_READ)
def test_what_cannot_be_read_is_refused_by_name(openai_client: Sdk, anthropic_client: Sdk, case: str) -> None:
    picture, why = CANNOT_BE_READ[case]

    with pytest.raises(openai.BadRequestError, match=why):
        openai_client("chat.completions.create", **chat(picture))
    with pytest.raises(openai.BadRequestError, match=why):
        openai_client("responses.create", **response(picture))
    with pytest.raises(anthropic.BadRequestError, match=why):
        anthropic_client("messages.create", **message(picture))
    with pytest.raises(anthropic.BadRequestError, match=why):
        anthropic_client("messages.count_tokens", model=MODEL, messages=message(picture)["messages"])

    assert "red" in openai_client("chat.completions.create", **chat(RED)).choices[0].message.content


def test_no_address_is_followed(openai_client: Sdk, anthropic_client: Sdk, elsewhere: "Elsewhere") -> None:
    """llama.cpp would fetch it, a film's too, and from anywhere."""
    url = f"{elsewhere.url}/red.png"
    films = [{"type": "video_url", "video_url": {"url": url}}]

    for asked in (chat(url), chat(RED) | {"messages": [{"role": "user", "content": films}]}):
        with pytest.raises(openai.BadRequestError) as refused:
            openai_client("chat.completions.create", **asked)
        assert refused.value.code == "not_supported_by_model"
    with pytest.raises(openai.BadRequestError, match="Send the image itself"):
        openai_client("responses.create", **response(url))
    with pytest.raises(anthropic.BadRequestError, match="Send the image itself"):
        anthropic_client("messages.create", **message(url))
    with pytest.raises(anthropic.BadRequestError, match="Send the image itself"):
        anthropic_client("messages.count_tokens", model=MODEL, messages=message(url)["messages"])
    with pytest.raises(openai.BadRequestError, match="Send the image itself"):
        openai_client("chat.completions.create", **chat("file:///etc/hostname"))

    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("part", "twice"),
    [
        ('"image_url", "image_url": {"url": URL}', '"type": "text", "text": "x"'),
        ('"text", "text": "x", "image_url": {"url": URL}', '"type": "image_url"'),
    ],
)
def test_no_address_is_followed_where_a_name_stands_twice(api: ApiSite, elsewhere: "Elsewhere", part: str, twice: str) -> None:
    hidden = f'{{"type": {part}, {twice}}}'.replace("URL", json.dumps(f"{elsewhere.url}/red.png"))

    with api.http() as http:
        http.post("/v1/chat/completions", content=_body(hidden))

    assert elsewhere.asked == []


def test_no_address_is_followed_that_lies_deeper_than_we_can_look(api: ApiSite, elsewhere: "Elsewhere") -> None:
    """How deep that is depends on the stack; between what the gateway skips and what is read later there were four levels."""
    shown = f'{{"type": "image_url", "image_url": {{"url": "{elsewhere.url}/red.png"}}, "deep": '

    with api.http() as http:
        statuses = [
            http.post("/v1/chat/completions", content=_body(f"{shown}{'[' * depth}{']' * depth}}}")).status_code
            for depth in range(900, 1000)
        ]

    assert set(statuses) == {400}
    assert elsewhere.asked == []


def test_where_another_model_can_it_is_asked(openai_client: Sdk, elsewhere: "Elsewhere") -> None:
    answer = openai_client("chat.completions.create", **chat(f"{elsewhere.url}/red.png") | {"model": "first-here"})

    assert answer.model != MODEL
    assert elsewhere.asked == []


def test_nothing_but_text_gets_embeddings(api: ApiSite) -> None:
    """With a projector llama.cpp reads images there too, in words of its own."""
    body = {"model": MODEL, "input": [{"prompt_string": "x", "multimodal_data": [data_url(RED).partition(",")[2]]}]}

    with api.http() as http:
        answer = http.post("/v1/embeddings", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "not_supported_by_model"


def test_no_picture_ends_the_engine(api: ApiSite) -> None:
    """Pictures with a byte changed, of every kind: each is answered or refused, and by the same engine."""
    state = (api.server.instance / "engine" / "state.json").read_bytes()
    changed = [
        one[:place] + bytes([one[place] ^ 0xFF]) + one[place + 1 :]
        for one in (RED, JPEG, GIF)
        for place in range(8, len(one), max(1, len(one) // 40))
    ]

    with api.http() as http:
        statuses = {http.post("/v1/chat/completions", json=chat(one) | {"max_tokens": 1}).status_code for one in changed}

    assert statuses <= {200, 400}
    assert (api.server.instance / "engine" / "state.json").read_bytes() == state


def _traps(folder: Path) -> Path:
    """Programs that llama.cpp would start, and that tell when it did."""
    traps = folder / "bin"
    traps.mkdir()
    for name in ("ffprobe", "ffmpeg"):
        (traps / name).write_text(f"#!/bin/sh\necho {name} >> {folder}/ran\n")
        (traps / name).chmod(0o755)
    return traps


def _body(part: str) -> str:
    return f'{{"model": "{MODEL}", "max_tokens": 1, "messages": [{{"role": "user", "content": [{part}]}}]}}'


class Elsewhere:
    """A server that would answer with a picture, and remembers who asked."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(RED)

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()
