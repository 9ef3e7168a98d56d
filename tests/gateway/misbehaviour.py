"""Providers that stall, cut, lie, babble and flood: scripts for `tests.gateway.provider`, by the model's name."""

import json
import time
from typing import Any

from tests.gateway.provider import Reply

FLOOD_MEGABYTES = 100


def _first_words(reply: Reply) -> None:
    reply.begin_stream()
    if reply.call.speaks_messages:
        usage = {"input_tokens": 7, "output_tokens": 1}
        message = {"id": "m1", "type": "message", "role": "assistant", "content": [], "usage": usage}
        reply.event({"type": "message_start", "message": message})
    for text in ("Hello", ", "):
        reply.event(_delta(reply, text))


def _delta(reply: Reply, text: str) -> dict[str, Any]:
    if reply.call.speaks_messages:
        return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return {"id": "c1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}


def silent(reply: Reply) -> None:
    reply.wait_until_left()


def headers_only(reply: Reply) -> None:
    reply.begin_stream()
    reply.wait_until_left()


def stall(reply: Reply) -> None:
    _first_words(reply)
    reply.wait_until_left()


def cut(reply: Reply) -> None:
    if reply.call.is_stream:
        _first_words(reply)
    else:
        reply.head(200, "application/json", "content-length: 1000")
        reply.write(b'{"id": "c1", "choices": [')
    reply.cut()


def reset(reply: Reply) -> None:
    reply.cut()


def html(reply: Reply) -> None:
    reply.whole(f"<h1>Sorry</h1>{json.dumps(reply.call.body)}".encode(), kind="text/html")


def no_json(reply: Reply) -> None:
    reply.whole(b"{this is no JSON " + json.dumps(reply.call.body).encode())


def no_object(reply: Reply) -> None:
    reply.json([reply.call.body])


def wrong_types(reply: Reply) -> None:
    """JSON, and nothing in it is what it is called."""
    said = {"type": "message", "content": [5, {"type": "tool_use", "input": 5}], "choices": 5, "usage": "many", "message": 5}
    if not reply.call.is_stream:
        reply.json(said)
        return
    reply.begin_stream()
    for kind in ("message_start", "content_block_start", "content_block_delta", "message_delta"):
        reply.event(said | {"type": kind, "delta": 5, "index": "x", "content_block": 5})
    reply.event({"choices": [5, {"delta": 5}], "usage": 5})
    reply.end_stream()


def stream_for_json(reply: Reply) -> None:
    """Events under the name of one object."""
    reply.whole(b'data: {"choices": []}\n\ndata: [DONE]\n\n')


def json_for_stream(reply: Reply) -> None:
    """One object under the name of events."""
    reply.whole(b'{"choices": []}', kind="text/event-stream")


def compressed(reply: Reply) -> None:
    reply.whole(b"\x1f\x8b" + b"x" * 100, **{"content-encoding": "gzip"})


def flood(reply: Reply) -> None:
    """One answer without an end: a JSON string, or an event without a line's end."""
    part = b"x" * 2**16
    if reply.call.is_stream:
        reply.begin_stream()
        reply.chunk(b"data: ")
        for _ in range(FLOOD_MEGABYTES * 16):
            reply.chunk(part)
        reply.end_stream()
        return
    reply.head(200, "application/json", f"content-length: {FLOOD_MEGABYTES * 2**20}")
    reply.write(b'{"id": "')
    for _ in range(FLOOD_MEGABYTES * 16):
        reply.write(part)


def long(reply: Reply) -> None:
    """Very many ordinary events: a slow reader makes the provider wait."""
    _first_words(reply)
    for _ in range(400):
        reply.event(_delta(reply, "x" * 2**16))
        time.sleep(0)
    reply.end_stream()


MISBEHAVIOURS = {
    "silent": silent,
    "headers-only": headers_only,
    "stall": stall,
    "cut": cut,
    "reset": reset,
    "html": html,
    "no-json": no_json,
    "no-object": no_object,
    "wrong-types": wrong_types,
    "stream-for-json": stream_for_json,
    "json-for-stream": json_for_stream,
    "compressed": compressed,
    "flood": flood,
    "long": long,
}
