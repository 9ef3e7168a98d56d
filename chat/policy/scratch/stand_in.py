"""A stand-in for every provider, on loopback: it speaks their protocols, keeps what it was sent, and fails on demand.

Chat completions (platform.openai.com/docs/api-reference/chat-streaming), messages (docs.claude.com/en/api/messages-streaming).
`with stand_in.playing("echo-500"):` says how it answers meanwhile: `ok`, `echo` (says the last message), `slow` (a word each
20 ms, without an end), `never` (not one byte), `cut`, `reset`, `garbage`, `unauthorized`, and `echo-400`, `echo-500`,
`error-event`, which repeat the prompt in an error.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ANSWER = ("Here ", "is ", "an ", "answer.")
_GAP_SECONDS = 0.02
_LONGEST_SECONDS = 30
_REFUSALS = {"echo-400": 400, "echo-500": 500, "unauthorized": 401}


@dataclass(frozen=True)
class Received:
    """One request as the provider saw it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def raw(self) -> bytes:
        """All of it."""
        head = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.path}\n{head}\n\n".encode() + self.body


class StandIn:
    """The server. `received` holds what came, oldest first."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.script = "ok"
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def playing(self, script: str) -> Iterator[None]:
        """Answer like `script` until the block ends."""
        before, self.script = self.script, script
        try:
            yield
        finally:
            self.script = before


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: StandIn

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked went away, which is what some checks do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Nothing is written: what it is sent is content."""

    def do_GET(self) -> None:  # the library's name
        self._whole(404, b"{}")

    def do_POST(self) -> None:  # the library's name
        stand_in = self.server.stand_in
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        stand_in.received.append(Received(self.path, headers, body))
        script = stand_in.script
        if script == "never":
            stand_in.stopping.wait(_LONGEST_SECONDS)
        if script in ("never", "reset"):
            self.close_connection = True
        elif script in _REFUSALS:
            error = {"type": "server_error", "code": "failed", "message": f"cannot do {body.decode()}"}
            self._whole(_REFUSALS[script], json.dumps({"type": "error", "error": error}).encode())
        else:
            self._stream(script, json.loads(body))

    def _stream(self, script: str, asked: dict[str, Any]) -> None:
        if not asked.get("stream"):
            self._whole(200, json.dumps(_complete(self.path, "".join(_words(script, asked)))).encode())
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        said = _Messages() if self.path.endswith("/messages") else _Completions()
        for event in said.opening():
            self._chunk(event)
        for count, word in enumerate(_words(script, asked)):
            self._chunk(said.delta(word))
            if count == 1 and script in ("cut", "garbage", "error-event"):
                self._go_wrong(script, said, asked)
                return
            if script == "slow" and self.server.stand_in.stopping.wait(_GAP_SECONDS):
                break
        for event in said.ending():
            self._chunk(event)
        self._chunk(b"")

    def _go_wrong(self, script: str, said: "_Completions | _Messages", asked: dict[str, Any]) -> None:
        if script == "garbage":
            self._chunk(b"data: {no json " + json.dumps(asked).encode() + b"\n\n")
        if script == "error-event":
            self._chunk(said.error(f"could not go on with {json.dumps(asked)}"))
            self._chunk(b"")
        self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _whole(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Completions:
    def opening(self) -> list[bytes]:
        return [_completion({"role": "assistant", "content": ""})]

    def delta(self, text: str) -> bytes:
        return _completion({"content": text})

    def error(self, message: str) -> bytes:
        return _sse({"error": {"type": "server_error", "message": message}})

    def ending(self) -> list[bytes]:
        usage = {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": _usage("prompt", "completion")}
        return [_completion({}, "stop"), _sse(usage), b"data: [DONE]\n\n"]


class _Messages:
    def opening(self) -> list[bytes]:
        message = {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": _usage("input", "output")}
        return [_named({"type": "message_start", "message": message})]

    def delta(self, text: str) -> bytes:
        return _named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})

    def error(self, message: str) -> bytes:
        return _named({"type": "error", "error": {"type": "api_error", "message": message}})

    def ending(self) -> list[bytes]:
        delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}
        return [_named(delta), _named({"type": "message_stop"})]


def _words(script: str, asked: dict[str, Any]) -> Iterator[str]:
    if script == "slow":
        until = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() < until:
            yield "word "
    elif script == "echo":
        yield _last_words(asked)
    else:
        yield from _ANSWER


def _last_words(asked: dict[str, Any]) -> str:
    content = (asked.get("messages") or [{}])[-1].get("content", "")
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _complete(path: str, text: str) -> dict[str, Any]:
    if path.endswith("/messages"):
        block = {"type": "text", "text": text}
        usage = _usage("input", "output")
        return {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "content": [block],
            "stop_reason": "end_turn",
            "usage": usage,
        }
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": _usage("prompt", "completion")}


def _usage(asked: str, said: str) -> dict[str, int]:
    return {f"{asked}_tokens": 9, f"{said}_tokens": 4}


def _completion(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _sse({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def _named(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _sse(event)


def _sse(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"
