"""An official SDK's client, sync or async, called in one way, so that each test runs with both."""

import asyncio
import inspect
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from threading import Thread
from typing import Any, Literal

import anthropic
import openai

Kind = Literal["sync", "async"]
KINDS: tuple[Kind, ...] = ("sync", "async")


class Sdk:
    """`sdk("chat.completions.create", …)` is what the client's method returns, awaited where that is needed."""

    def __init__(self, client: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self._loop = loop

    def __call__(self, method: str, **arguments: Any) -> Any:
        return self._wait(attrgetter(method)(self.client)(**arguments))

    def events(self, method: str, *, most: int = 10**9, **arguments: Any) -> list[Any]:
        """What a stream yields, up to `most` events; it is closed then."""
        return list(self._read(self(method, stream=True, **arguments), most))

    def listed(self, method: str) -> list[Any]:
        """All of a list that comes in pages."""
        return list(self._read(attrgetter(method)(self.client)(), 10**9))

    def final(self, method: str, getter: str, **arguments: Any) -> Any:
        """What the SDK's own helper puts together of a stream."""
        manager = attrgetter(method)(self.client)(**arguments)
        if hasattr(manager, "__enter__"):
            with manager as stream:
                return getattr(stream, getter)()

        async def read() -> Any:
            async with manager as stream:
                return await getattr(stream, getter)()

        return self._wait(read())

    def _read(self, stream: Any, most: int) -> list[Any]:
        if hasattr(stream, "__iter__") and not hasattr(stream, "__aiter__"):
            found = [one for one, _ in zip(stream, range(most), strict=False)]
            if hasattr(stream, "close"):
                stream.close()
            return found

        async def read() -> list[Any]:
            found = []
            async for one in stream:
                found.append(one)
                if len(found) >= most:
                    break
            if hasattr(stream, "close"):
                await stream.close()
            return found

        return list(self._wait(read()))

    def _wait(self, value: Any) -> Any:
        return _wait(value, self._loop) if inspect.isawaitable(value) else value


@contextmanager
def openai_sdk(kind: Kind, url: str, key: str) -> Iterator[Sdk]:
    made = openai.OpenAI if kind == "sync" else openai.AsyncOpenAI
    with _closing(made(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)) as sdk:
        yield sdk


@contextmanager
def anthropic_sdk(kind: Kind, url: str, key: str) -> Iterator[Sdk]:
    made = anthropic.Anthropic if kind == "sync" else anthropic.AsyncAnthropic
    with _closing(made(base_url=url, api_key=key, max_retries=0, timeout=20)) as sdk:
        yield sdk


@contextmanager
def _closing(client: Any) -> Iterator[Sdk]:
    # In a thread of its own: where a browser is under test, this thread has a loop already.
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Sdk(client, loop)
    finally:
        closed = client.close()
        if inspect.isawaitable(closed):
            _wait(closed, loop)
        _wait(loop.shutdown_asyncgens(), loop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _wait(value: Awaitable[Any], loop: asyncio.AbstractEventLoop) -> Any:
    async def awaited() -> Any:
        return await value

    return asyncio.run_coroutine_threadsafe(awaited(), loop).result(timeout=60)
