"""A provider for the API's tests and benchmarks: OpenAI's and Anthropic's endpoints, whole answers and streams, and fast.

`tests/fakes.py` fails in every way there is; this one succeeds, cheaply enough that it is not what a benchmark measures.
A model called `slow` streams 50 deltas, 20 ms apart; any other says four words at once. Where tools are offered, the first one
is called, unless its result is there already. `python -m tests.model_server --port 9000` runs it as a process.
"""

import argparse
import asyncio
import json
import threading
from typing import Any, Self

WORDS = ("Hello", ", ", "world", ".")
SLOW = tuple(f"word{count} " for count in range(50))
_GAP = 0.02
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n"


class ModelServer:
    """The server, in a thread: `with ModelServer() as server:`. `bodies` holds what it was sent, oldest first."""

    def __init__(self, *, port: int = 0, records: bool = True) -> None:
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self._port = port
        self._records = records
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.run, daemon=True)
        self.connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def run(self) -> None:
        """Serve until the loop is stopped."""
        asyncio.set_event_loop(self._loop)
        start = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port, backlog=2048)
        server = self._loop.run_until_complete(start)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for one in self.connections:
                one.transport.abort()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    def came(self, path: str, body: dict[str, Any]) -> None:
        if self._records:
            self.bodies.append((path, body))


class _Connection(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    transport: asyncio.Transport

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._came = b""
        self._loop = server._loop
        self._is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_open = False
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, end, rest = self._came.partition(b"\r\n\r\n")
        if not end:
            return
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if len(rest) < length:
            return
        self._came = rest[length:]
        self._answer(head.split(b" ", 2)[1].decode(), json.loads(rest[:length] or b"{}"))

    def _answer(self, path: str, asked: dict[str, Any]) -> None:
        self._server.came(path, asked)
        if not asked.get("stream"):
            body = json.dumps(_whole(path, asked)).encode()
            self.transport.write(_HEAD % b"application/json" + b"content-length: %d\r\n\r\n" % len(body) + body)
            return
        opening, deltas, ending = _streamed(path, asked)
        self.transport.write(
            _HEAD % b"text/event-stream" + b"transfer-encoding: chunked\r\n\r\n" + b"".join(map(_chunk, opening))
        )
        if asked["model"] == "slow":
            self._say(0, [_chunk(one) for one in deltas], [_chunk(one) for one in ending])
        else:
            self.transport.write(b"".join(map(_chunk, (*deltas, *ending))) + b"0\r\n\r\n")

    def _say(self, count: int, deltas: list[bytes], ending: list[bytes]) -> None:
        if not self._is_open:
            return
        self.transport.write(deltas[count])
        if count + 1 < len(deltas):
            self._loop.call_later(_GAP, self._say, count + 1, deltas, ending)
        else:
            self.transport.write(b"".join(ending) + b"0\r\n\r\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _tool(asked: dict[str, Any]) -> str | None:
    """The name of the tool to call, if one is to be called."""
    said = json.dumps(asked.get("messages") or asked.get("input") or "")
    if not asked.get("tools") or '"tool_result"' in said or '"role": "tool"' in said or "function_call_output" in said:
        return None
    first = asked["tools"][0]
    return str((first.get("function") or first)["name"])


_ARGUMENTS = {"city": "Lisbon"}


def _whole(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    model, tool, text = asked.get("model", ""), _tool(asked), "".join(WORDS)
    if path.endswith("/count_tokens"):
        return {"input_tokens": 9}
    if path.endswith("/embeddings"):
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        data = [{"object": "embedding", "index": count, "embedding": [0.25, -0.5, 1.0]} for count, _text in enumerate(texts)]
        return {"object": "list", "model": model, "data": data, "usage": {"prompt_tokens": 9, "total_tokens": 9}}
    if path.endswith("/messages"):
        used = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": _ARGUMENTS}
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "stop_sequence": None,
            "content": [used if tool else {"type": "text", "text": text}],
            "stop_reason": "tool_use" if tool else "end_turn",
            "usage": {"input_tokens": 9, "output_tokens": 4},
        }
    if path.endswith("/responses"):
        return _response(model, text)
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": json.dumps(_ARGUMENTS)}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]} if tool else {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if tool else "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
    }


def _response(model: str, text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": model,
        "error": None,
        "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 9,
            "output_tokens": 4,
            "total_tokens": 13,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def _streamed(path: str, asked: dict[str, Any]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    words = SLOW if asked["model"] == "slow" else WORDS
    if path.endswith("/messages"):
        return _messages(words)
    if path.endswith("/responses"):
        return _responses(asked["model"], words)
    shape = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": asked["model"]}
    first, last = ({"role": "assistant", "content": ""}, None), ({}, "stop")
    said: list[tuple[dict[str, str], str | None]] = [first, *(({"content": one}, None) for one in words), last]
    chunks = [_event(shape | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}) for delta, reason in said]
    usage = {"prompt_tokens": 9, "completion_tokens": len(words), "total_tokens": 9 + len(words)}
    asked_for = (asked.get("stream_options") or {}).get("include_usage")
    counted = [_event(shape | {"choices": [], "usage": usage})] if asked_for else []
    return chunks[:1], chunks[1:-1], [chunks[-1], *counted, b"data: [DONE]\n\n"]


def _messages(words: tuple[str, ...]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }
    opening = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": one}} for one in words]
    ending: list[dict[str, Any]] = [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": len(words)},
        },
        {"type": "message_stop"},
    ]
    return [_named(one) for one in opening], [_named(one) for one in deltas], [_named(one) for one in ending]


def _responses(model: str, words: tuple[str, ...]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    whole = _response(model, "".join(words))
    events = [
        {"type": "response.created", "response": whole | {"status": "in_progress", "output": [], "usage": None}},
        *(
            {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": one}
            for one in words
        ),
        {"type": "response.completed", "response": whole},
    ]
    lines = [_named(one | {"sequence_number": count}) for count, one in enumerate(events)]
    return lines[:1], lines[1:-1], lines[-1:]


def _named(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _event(event)


def _event(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=9000)
    ModelServer(port=parser.parse_args().port, records=False).run()


if __name__ == "__main__":
    main()
