"""A provider that does what a test says: chat completions and messages over real HTTP, one script per model name.

`with FakeProvider() as fake:` runs it in a thread. `python -m tests.fakes --port 9000` runs it as a process for
benchmarks: one event loop, many hundred streams.

Scripts (the model's name): `ok` `slow` (50 deltas, 20 ms apart) `long` (2,000 deltas at once) `reasoning` `length`
`filtered` `stall` (two deltas, then silence) `endless` (a delta each 20 ms until the reader leaves) `first-byte-never`
`headers-only` (headers, then silence) `cut` (closes after two deltas) `no-done` (ends well but without the last event)
`garbage` (an event that is not JSON) `wrong-content-type` `json-body` `huge-line` `compressed` `error-event`
`overloaded-event` `echo-400` `echo-500` `echo-event` (errors that repeat the prompt) `too-long` `unauthorized` `quota`
`not-found` `rate-limited` `rate-limited-once` `rate-limited-long` `overloaded-once` `bad-gateway` `redirect` `reset` (closes
before any byte) `once-then-reset` `soon` (answers after 20 ms). Anything else answers like `ok`.
`unframed-` before a script: the answer ends where the connection does, as small servers do it.
"""

import argparse
import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_DELTAS = ("Hello", ", ", "world", ".")
_GAP = 0.02
_SSE = "text/event-stream; charset=utf-8"
_ONCE = {"rate-limited-once": 429, "overloaded-once": 503, "busy-once": 529, "gateway-once": 502}
_ERRORS = {
    "echo-400": (400, "invalid_request_error"),
    "echo-500": (500, "server_error"),
    "too-long": (400, "context_length_exceeded"),
    "unauthorized": (401, "invalid_api_key"),
    "quota": (429, "insufficient_quota"),
    "not-found": (404, "model_not_found"),
    "rate-limited": (429, "rate_limit_exceeded"),
    "rate-limited-long": (429, "rate_limit_exceeded"),
    "bad-gateway": (502, "server_error"),
    "redirect": (302, "moved"),
}


@dataclass
class Call:
    """One request as the provider saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    came_at: float
    connection: int
    deltas_sent: int = 0
    left_at: float | None = None
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def model(self) -> str:
        return str(self.body.get("model", "ok"))

    @property
    def prompt(self) -> str:
        """All that the request said, as one string."""
        return json.dumps(self.body.get("messages", []))


class FakeProvider:
    """The server. `calls` holds what came, oldest first; `url` is its origin."""

    def __init__(self, *, port: int = 0, tls: tuple[Path, Path] | None = None, records: bool = True) -> None:
        self.calls: list[Call] = []
        self._port = port
        self._records = records
        self._connections = 0
        self._tls = None
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        if tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        self._thread = threading.Thread(target=self.run, daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def last(self) -> Call:
        return self.calls[-1]

    def run(self) -> None:
        """Serve until the loop is stopped."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls, backlog=2048)
        )
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in (tasks := asyncio.all_tasks(self._loop)):
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        # Cancelled when the server ends; asyncio complains about streams that pass it on.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            while (call := await self._receive(reader, connection)) and await self._answer(call, reader, writer):
                pass
        writer.close()

    async def _receive(self, reader: asyncio.StreamReader, connection: int) -> Call | None:
        head = await reader.readuntil(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        call = Call(start.split()[1], headers, json.loads(raw or b"{}"), time.monotonic(), connection)
        if self._records:
            self.calls.append(call)
        return call

    async def _answer(self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer, and return whether the connection stays. What the client sends or closes meanwhile is noticed at once."""
        watch = asyncio.ensure_future(reader.read(1))
        speak = asyncio.ensure_future(_Script(call, writer, self.calls).run())
        try:
            await asyncio.wait({watch, speak}, return_when=asyncio.FIRST_COMPLETED)
            # A client that left is noticed by whoever is faster: the one that listens, or the one that cannot write any more.
            if speak.done() and not isinstance(speak.exception(), ConnectionError):
                return speak.result() and await _still_there(watch, reader)
            call.left_at = time.monotonic()
            call.left.set()
            return False
        finally:
            for task in (watch, speak):
                task.cancel()
            await asyncio.gather(watch, speak, return_exceptions=True)


async def _still_there(watch: "asyncio.Future[bytes]", reader: asyncio.StreamReader) -> bool:
    """Wait for the next request's first byte, which `watch` eats, and put it back."""
    first = await watch
    if not first:
        return False
    reader._buffer[0:0] = first  # type: ignore[attr-defined]  # asyncio has no way to unread
    return True


class _Script:
    """One answer."""

    def __init__(self, call: Call, writer: asyncio.StreamWriter, calls: list[Call]) -> None:
        self._call = call
        self._writer = writer
        self._model = call.model.removeprefix("unframed-")
        self._is_unframed = call.model.startswith("unframed-")
        self._speaks_messages = call.path.endswith("/messages")
        self._is_first = sum(one.model == call.model for one in calls) <= 1

    async def run(self) -> bool:
        model = self._model
        if model == "first-byte-never":
            await asyncio.sleep(3600)
        if model == "soon":
            await asyncio.sleep(_GAP)
        if model == "reset" or (model == "once-then-reset" and not self._is_first):
            return False
        if model in _ONCE and self._is_first:
            return await self._refuse(_ONCE[model], "overloaded_error")
        if model in _ERRORS:
            return await self._refuse(*_ERRORS[model])
        if model in ("wrong-content-type", "json-body"):
            kind = "text/html" if model == "wrong-content-type" else "application/json"
            return await self._whole(200, kind, json.dumps({"echo": self._call.prompt}).encode())
        framing = "connection: close" if self._is_unframed else "transfer-encoding: chunked"
        await self._head(200, _SSE, framing, *(("content-encoding: gzip",) if model == "compressed" else ()))
        if model == "headers-only":
            await asyncio.sleep(3600)
        try:
            async for data in self._events():
                await self._chunk(data)
        except _CutError:
            return False
        return await self._end()

    async def _end(self) -> bool:
        """End the answer, and say whether the connection can serve again."""
        if not self._is_unframed:
            self._writer.write(b"0\r\n\r\n")
            await self._writer.drain()
        return not self._is_unframed

    async def _events(self) -> AsyncIterator[bytes]:
        model = self._model
        for event in self._opening():
            yield event
        if model == "garbage":
            yield b"data: {this is no JSON " + self._call.prompt.encode() + b"\n\n"
        if model == "huge-line":
            for _ in range(400):
                yield b"data: " + b"x" * 65536
        if model in ("error-event", "overloaded-event", "echo-event"):
            yield self._delta("Hel")
            yield self._error_event("overloaded_error" if model == "overloaded-event" else "server_error")
            return
        if model == "reasoning":
            yield self._thought("Let me ")
            yield self._thought("think.")
        async for delta in self._said():
            self._call.deltas_sent += 1
            yield delta
        for event in self._ending():
            yield event

    async def _said(self) -> AsyncIterator[bytes]:
        model = self._model
        if model in ("slow", "endless"):
            for count in range(50 if model == "slow" else 100_000):
                if count:
                    await asyncio.sleep(_GAP)
                yield self._delta(f"word{count} ")
            return
        if model == "long":
            for count in range(2000):
                yield self._delta(f"word{count} ")
            return
        for count, text in enumerate(_DELTAS):
            if count == 2 and model == "stall":
                await asyncio.sleep(3600)
            if count == 2 and model == "cut":
                raise _CutError
            yield self._delta(text)

    def _opening(self) -> list[bytes]:
        if not self._speaks_messages:
            return [b": a comment\n\n", self._completion({"role": "assistant", "content": ""})]
        usage = {"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 1}
        start = {
            "type": "message_start",
            "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": usage},
        }
        return [_message(start), _message({"type": "ping"})]

    def _delta(self, text: str) -> bytes:
        if self._speaks_messages:
            return _message({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": text}})
        return self._completion({"content": text})

    def _thought(self, text: str) -> bytes:
        if self._speaks_messages:
            return _message({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text}})
        return self._completion({"reasoning_content": text})

    def _ending(self) -> list[bytes]:
        is_open = self._model == "no-done"
        if self._speaks_messages:
            reason = {"length": "max_tokens", "filtered": "refusal"}.get(self._model, "end_turn")
            events = [_message({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 4}})]
            return events if is_open else [*events, _message({"type": "message_stop"})]
        reason = {"length": "length", "filtered": "content_filter"}.get(self._model, "stop")
        usage = _sse(
            {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}
        )
        events = [self._completion({}, reason), usage]
        return events if is_open else [*events, b"data: [DONE]\n\n"]

    def _completion(self, delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _sse({"id": "c", "object": "chat.completion.chunk", "model": self._model, "choices": [choice]})

    def _error_event(self, name: str) -> bytes:
        error = {"type": name, "message": f"could not go on with {self._call.prompt}"}
        return _message({"type": "error", "error": error}) if self._speaks_messages else _sse({"error": error})

    async def _refuse(self, status: int, name: str) -> bool:
        headers = ["retry-after: 60" if self._model == "rate-limited-long" else "retry-after: 0"]
        if self._model == "redirect":
            headers.append("location: https://example.org/elsewhere")
        error = {"type": name, "code": name, "message": f"cannot do {self._call.prompt}"}
        return await self._whole(status, "application/json", json.dumps({"type": "error", "error": error}).encode(), *headers)

    async def _whole(self, status: int, kind: str, body: bytes, *headers: str) -> bool:
        await self._head(status, kind, f"content-length: {len(body)}", *headers)
        self._writer.write(body)
        await self._writer.drain()
        return True

    async def _head(self, status: int, kind: str, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"content-type: {kind}", "set-cookie: who=you", *headers, "", ""]
        self._writer.write("\r\n".join(lines).encode())
        await self._writer.drain()

    async def _chunk(self, data: bytes) -> None:
        self._writer.write(data if self._is_unframed else f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._writer.drain()


class _CutError(Exception):
    """The script says that the connection ends here."""


def _message(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _sse(event)


def _sse(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=9000)
    # What was asked is not kept: a benchmark would fill the memory with it.
    FakeProvider(port=parser.parse_args().port, records=False).run()


if __name__ == "__main__":
    main()
