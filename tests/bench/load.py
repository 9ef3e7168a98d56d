"""The load of the API's benchmark: whole answers over kept connections, and many streams at once. Cheap: it shares a core."""

import asyncio
import json
import statistics
import time
from enum import Enum
from typing import Any


class Shape(Enum):
    """What is asked: the path, the start of the models' names, a word of each streamed chunk, and a stream's end."""

    CHAT = ("/v1/chat/completions", "", b'"content":', b"[DONE]")
    CHAT_OF_CLAUDE = ("/v1/chat/completions", "claude-", b'"content":', b"[DONE]")
    MESSAGES = ("/v1/messages", "claude-", b"text_delta", b"message_stop")
    MESSAGES_OF_OPENAI = ("/v1/messages", "", b"text_delta", b"message_stop")


class Load:
    """Requests to one port, with a key where one is given."""

    def __init__(self, port: int, seconds: float, key: str = "none") -> None:
        self._port = port
        self._seconds = seconds
        self._key = key

    def rate(self, connections: int, shape: Shape, seconds: float | None = None) -> tuple[float, int]:
        """Return answers a second over so many connections that are never idle, and how many answers were none."""
        return asyncio.run(self._rate(connections, self.request(shape), seconds or self._seconds))

    def one_at_a_time(self, times: int, shape: Shape) -> list[float]:
        """Return how many milliseconds each of so many answers took, over one connection."""
        return asyncio.run(self._one_at_a_time(times, self.request(shape)))

    def streams(self, count: int, shape: Shape) -> tuple[float, float, int]:
        """Return chunks a second of so many streams at once, the median time to the first one, and how many failed."""
        return asyncio.run(self._streams(count, shape))

    def request(self, shape: Shape, model: str = "ok", **more: Any) -> bytes:
        path, start = shape.value[:2]
        asked = {"model": start + model, "max_tokens": 100, "messages": [{"role": "user", "content": "Say something."}]} | more
        body = json.dumps(asked).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self._key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _rate(self, connections: int, request: bytes, seconds: float) -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        askers = [_Asker(request) for _ in range(connections)]
        began = time.perf_counter()
        for one in askers:
            await loop.create_connection(lambda one=one: one, "127.0.0.1", self._port)  # type: ignore[misc]
        await asyncio.sleep(seconds)
        spent = time.perf_counter() - began
        done, failed = sum(one.done for one in askers), sum(one.failed for one in askers)
        for one in askers:
            one.close()
        return done / spent, failed

    async def _one_at_a_time(self, times: int, request: bytes) -> list[float]:
        loop = asyncio.get_running_loop()
        asker = _Asker(request, times + 20)
        await loop.create_connection(lambda: asker, "127.0.0.1", self._port)
        await asyncio.wait_for(asker.finished, 120)
        asker.close()
        assert not asker.failed, "an answer was none"
        return [one * 1000 for one in asker.times[20:]]

    async def _streams(self, count: int, shape: Shape) -> tuple[float, float, int]:
        loop = asyncio.get_running_loop()
        request = self.request(shape, "slow", stream=True)
        readers = [_Reader(request, shape.value[2], shape.value[3]) for _ in range(count)]
        began = time.perf_counter()
        await asyncio.gather(
            *(loop.create_connection(lambda one=one: one, "127.0.0.1", self._port) for one in readers)  # type: ignore[misc]
        )
        await asyncio.wait([one.finished for one in readers], timeout=90)
        spent = time.perf_counter() - began
        firsts = [one.first - began for one in readers if one.first]
        failed = sum(not one.is_complete for one in readers)
        for one in readers:
            one.close()
        return sum(one.words for one in readers) / spent, statistics.median(firsts or [float("nan")]), failed


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.finish()

    def finish(self) -> None:
        if not self.finished.done():
            self.finished.set_result(None)

    def close(self) -> None:
        self.transport.close()


class _Asker(_Connection):
    """Asks again as soon as it has its answer, which has a length."""

    def __init__(self, request: bytes, most: int = 10**9) -> None:
        super().__init__(request)
        self._most = most
        self._came = b""
        self.done = self.failed = 0
        self.times: list[float] = []
        self._asked = 0.0

    def ask(self) -> None:
        self._asked = time.perf_counter()
        super().ask()

    def data_received(self, data: bytes) -> None:
        self._came = self._came + data if self._came else data
        head, end, rest = self._came.partition(b"\r\n\r\n")
        if not end or not self._is_whole(head, rest):
            return
        if head.startswith(b"HTTP/1.1 200"):
            self.done += 1
        else:
            self.failed += 1
        self.times.append(time.perf_counter() - self._asked)
        self._came = b""
        if len(self.times) >= self._most:
            self.finish()
        else:
            self.ask()

    @staticmethod
    def _is_whole(head: bytes, rest: bytes) -> bool:
        lower = head.lower()
        at = lower.find(b"content-length:")
        if at < 0:
            return rest.endswith(b"0\r\n\r\n")
        return len(rest) >= int(lower[at + 15 :].split(b"\r\n", 1)[0])

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)


class _Reader(_Connection):
    """Reads one stream to its end and counts its chunks by a word that is in each."""

    def __init__(self, request: bytes, word: bytes, end: bytes) -> None:
        super().__init__(request)
        self._word, self._end = word, end
        self._rest = b""
        self.words = 0
        self.first = 0.0
        self.is_complete = False

    def data_received(self, data: bytes) -> None:
        text = self._rest + data
        found = text.count(self._word)
        if found:
            self.words += found
            self.first = self.first or time.perf_counter()
            text = text[text.rfind(self._word) + len(self._word) :]
        if self._end in text:
            self.is_complete = self.words > 0
            self.finish()
        self._rest = text[-20:]
