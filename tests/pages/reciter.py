"""A model that says what a test gives it, at the test's pace: chat completions over real HTTP, one script at a time."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

PAUSE = "\0pause"
_PIECE = 9


@dataclass(frozen=True, slots=True)
class Script:
    pieces: tuple[str, ...] = ("Hello.",)
    thinks: str = ""
    gap: float = 0.002
    ends: Literal["well", "cut"] = "well"
    status: int = 200


class Reciter:
    """`with Reciter() as reciter:` serves `reciter.url`; `asked` holds the messages of each request, oldest first."""

    def __init__(self) -> None:
        self.script = Script()
        self.asked: list[list[dict[str, Any]]] = []
        self.go_on = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def will_say(
        self, *pieces: str, thinks: str = "", gap: float = 0.002, ends: Literal["well", "cut"] = "well", status: int = 200
    ) -> None:
        """Answer so from now on. At a PAUSE it waits until the test sets `go_on`."""
        self.go_on.clear()
        self.script = Script(pieces, thinks, gap, ends, status)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, reciter: Reciter) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reciter = reciter


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.reciter.asked.append(body["messages"])
        script = self.server.reciter.script
        try:
            if script.status != 200:
                self.send_error(script.status)
            else:
                self._recite(script)
        except ConnectionError:
            pass  # the reader left
        self.close_connection = True

    def _recite(self, script: Script) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if script.thinks:
            self._delta({"reasoning_content": script.thinks})
        for piece in script.pieces:
            if piece == PAUSE:
                self.server.reciter.go_on.wait(20)
                continue
            for start in range(0, len(piece), _PIECE):
                self._delta({"content": piece[start : start + _PIECE]})
                time.sleep(script.gap)
        if script.ends == "well":
            self._delta({}, "stop")
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

    def _delta(self, delta: dict[str, str], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {"id": "c", "object": "chat.completion.chunk", "model": "recite", "choices": [choice]}
        self._chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass
