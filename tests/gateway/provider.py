"""A provider of both protocols that reads what it is asked: it calls tools, keeps to schemas, sees pictures, and misbehaves.

Over real HTTP, a thread a connection. What it does is the upstream model's name: `ok` answers; `e429` fails with that status
and repeats the prompt; `endless` goes on until the reader leaves; the other names are in `misbehaviour.py`.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Json = dict[str, Any]
GAP = 0.02
WORDS = ("Hello", ", ", "world", ".")


@dataclass
class Call:
    """One request as the provider saw it."""

    path: str
    headers: dict[str, str]
    body: Json
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def model(self) -> str:
        return str(self.body.get("model"))

    @property
    def is_stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def speaks_messages(self) -> bool:
        return self.path.startswith("/v1/messages")


class Provider:
    """The server; `calls` holds what came, `misbehaviours` what models of other names do."""

    def __init__(self, misbehaviours: "dict[str, Callable[[Reply], None]] | None" = None) -> None:
        self.calls: list[Call] = []
        self.misbehaviours = misbehaviours or {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def last(self) -> Call:
        return self.calls[-1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    provider: Provider

    def handle_error(self, *_: object) -> None:
        """Readers that leave are what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        provider = self.server.provider
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.path, headers, json.loads(raw))
        provider.calls.append(call)
        reply = Reply(self, call)
        try:
            provider.misbehaviours.get(call.model, _behave)(reply)
        except OSError:
            call.left.set()
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Reply:
    """What a script writes with."""

    def __init__(self, handler: BaseHTTPRequestHandler, call: Call) -> None:
        self.handler = handler
        self.call = call

    def whole(self, body: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        self.head(status, kind, f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items()))
        self.write(body)

    def json(self, value: Any, status: int = 200) -> None:
        self.whole(json.dumps(value).encode(), status=status)

    def head(self, status: int, kind: str, *lines: str) -> None:
        text = "\r\n".join([f"HTTP/1.1 {status} Said", f"content-type: {kind}", *lines, "", ""])
        self.write(text.encode())

    def begin_stream(self, kind: str = "text/event-stream") -> None:
        self.head(200, kind, "transfer-encoding: chunked")

    def chunk(self, data: bytes) -> None:
        self.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.write(b"0\r\n\r\n")

    def stream(self, events: Iterator[Json]) -> None:
        self.begin_stream()
        for event in events:
            self.event(event)
        if not self.call.speaks_messages and not self.call.path.endswith("/responses"):
            self.chunk(b"data: [DONE]\n\n")
        self.end_stream()

    def event(self, event: Json) -> None:
        name = f"event: {event['type']}\n".encode() if "type" in event else b""
        self.chunk(name + b"data: " + json.dumps(event).encode() + b"\n\n")

    def cut(self) -> None:
        """Close the connection here."""
        self.handler.close_connection = True

    def wait_until_left(self, seconds: float = 20) -> None:
        """Say nothing more until the reader goes away."""
        self.handler.connection.settimeout(seconds)
        try:
            self.handler.connection.recv(1, socket.MSG_PEEK)
        finally:
            self.call.left.set()
            self.cut()

    def write(self, data: bytes) -> None:
        self.handler.wfile.write(data)


def _behave(reply: Reply) -> None:
    call = reply.call
    if call.model.startswith("e") and call.model[1:].isdigit():
        _refuse(reply, int(call.model[1:]))
    elif call.path.endswith("/embeddings"):
        given = call.body["input"]
        count = len(given) if isinstance(given, list) else 1
        data = [{"object": "embedding", "index": number, "embedding": [0.25, -0.5]} for number in range(count)]
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        reply.json({"object": "list", "model": call.model, "data": data, "usage": usage})
    elif call.path.endswith("/count_tokens"):
        reply.json({"input_tokens": 14})
    elif call.path.endswith("/responses"):
        _respond(reply)
    elif call.speaks_messages:
        message = _message(call)
        reply.stream(_message_events(call, message)) if call.is_stream else reply.json(message)
    else:
        completion = _completion(call)
        reply.stream(_completion_events(call, completion)) if call.is_stream else reply.json(completion)


def _refuse(reply: Reply, status: int) -> None:
    error = {"message": f"cannot do {json.dumps(reply.call.body)[:1000]}", "type": "some_error", "code": None, "param": None}
    said = {"type": "error", "error": error} if reply.call.speaks_messages else {"error": error}
    reply.json(said, status)


def _completion(call: Call) -> Json:
    last = call.body["messages"][-1]
    message: Json = {"role": "assistant", "content": _said(call, last), "refusal": None}
    reason = "length" if (call.body.get("max_tokens") or call.body.get("max_completion_tokens")) == 1 else "stop"
    if call.body.get("tools") and last["role"] != "tool":
        function = {"name": call.body["tools"][0]["function"]["name"], "arguments": '{"city": "Paris"}'}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
        reason = "tool_calls"
    choice: Json = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    if call.body.get("logprobs"):
        token = {"token": "Hello", "logprob": -0.5, "bytes": None, "top_logprobs": []}
        choice["logprobs"] = {"content": [token], "refusal": None}
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 2}}
    head = {"id": "c1", "object": "chat.completion", "created": 1, "model": call.model, "system_fingerprint": "fp_1"}
    return head | {"choices": [choice], "usage": usage}


def _completion_events(call: Call, whole: Json) -> Iterator[Json]:
    choice = whole["choices"][0]
    head = whole | {"object": "chat.completion.chunk"}
    del head["choices"], head["usage"]

    def piece(delta: Json, reason: str | None = None) -> Json:
        return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": choice["logprobs"]}]}

    yield piece({"role": "assistant", "content": ""})
    for number, one in enumerate(choice["message"].get("tool_calls") or ()):
        function = one["function"]
        yield piece({"tool_calls": [one | {"index": number, "function": function | {"arguments": ""}}]})
        for part in (function["arguments"][:5], function["arguments"][5:]):
            yield piece({"tool_calls": [{"index": number, "function": {"arguments": part}}]})
    for text in _pieces(call, choice["message"]["content"] or ""):
        yield piece({"content": text})
    yield piece({}, choice["finish_reason"])
    if (call.body.get("stream_options") or {}).get("include_usage"):
        yield head | {"choices": [], "usage": whole["usage"]}


def _message(call: Call) -> Json:
    last = call.body["messages"][-1]
    content: list[Json] = [{"type": "text", "text": _said(call, last)}]
    reason = "max_tokens" if call.body.get("max_tokens") == 1 else "end_turn"
    is_result = isinstance(last["content"], list) and any(one.get("type") == "tool_result" for one in last["content"])
    if call.body.get("tools") and not is_result:
        use = {"type": "tool_use", "id": "toolu_1", "name": call.body["tools"][0]["name"], "input": {"city": "Paris"}}
        content, reason = [use], "tool_use"
    usage = {"input_tokens": 7, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 0, "output_tokens": 4}
    head = {"id": "m1", "type": "message", "role": "assistant", "model": call.model}
    return head | {"content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage}


def _message_events(call: Call, whole: Json) -> Iterator[Json]:
    usage = whole["usage"] | {"output_tokens": 1}
    yield {"type": "message_start", "message": whole | {"content": [], "stop_reason": None, "usage": usage}}
    yield {"type": "ping"}
    for number, block in enumerate(whole["content"]):
        empty = block | ({"text": ""} if block["type"] == "text" else {"input": {}})
        yield {"type": "content_block_start", "index": number, "content_block": empty}
        if block["type"] == "text":
            deltas = ({"type": "text_delta", "text": one} for one in _pieces(call, block["text"]))
        else:
            text = json.dumps(block["input"])
            deltas = ({"type": "input_json_delta", "partial_json": one} for one in (text[:5], text[5:]))
        for delta in deltas:
            yield {"type": "content_block_delta", "index": number, "delta": delta}
        yield {"type": "content_block_stop", "index": number}
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": whole["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}


def _respond(reply: Reply) -> None:
    text = {"type": "output_text", "text": "".join(WORDS), "annotations": []}
    output = {"type": "message", "id": "o1", "role": "assistant", "status": "completed", "content": [text]}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13} | details
    whole = {"id": "r1", "object": "response", "created_at": 1, "model": reply.call.model, "status": "completed"}
    whole |= {
        "output": [output],
        "usage": usage,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
    }
    if not reply.call.is_stream:
        reply.json(whole)
        return
    events: list[Json] = [
        {"type": "response.created", "response": whole | {"output": [], "status": "in_progress", "usage": None}}
    ]
    place = {"output_index": 0, "content_index": 0, "item_id": "o1", "logprobs": []}
    added = {"output_index": 0, "item": output | {"content": [], "status": "in_progress"}}
    events += [{"type": "response.output_item.added"} | added]
    events += [{"type": "response.content_part.added", "part": text | {"text": ""}} | place]
    events += [{"type": "response.output_text.delta", "delta": one} | place for one in WORDS]
    events += [{"type": "response.completed", "response": whole}]
    reply.stream(event | {"sequence_number": number} for number, event in enumerate(events))


def _pieces(call: Call, text: str) -> Iterator[str]:
    if call.model == "endless":
        for number in range(2000):
            time.sleep(GAP)
            yield f"word{number} "
    middle = len(text) // 2
    yield from (text[:middle], text[middle:])


def _said(call: Call, last: Json) -> str:
    """What a model would say that does as it is told."""
    wanted = call.body.get("response_format") or (call.body.get("output_config") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        return '{"name": "Ada", "age": 36}'
    parts = last["content"] if isinstance(last["content"], list) else []
    pictures = [one for one in parts if one.get("type") in ("image_url", "image")]
    if pictures:
        return f"I see {json.dumps(pictures[0])}"
    results = [one for one in parts if one.get("type") == "tool_result"]
    if results or last["role"] == "tool":
        return f"The tool said {results[0]['content'] if results else last['content']}"
    return "".join(WORDS)
