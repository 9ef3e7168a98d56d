"""Requests that are wrong and providers that misbehave: an error of the protocol's own shape, bounded memory, settled once."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.gateway.provider import Provider
from tests.gateway.site import ApiSite

pytestmark = pytest.mark.server

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
HI = [{"role": "user", "content": "Hi"}]
CANARY = "marmalade"
# Each path with a model that speaks its protocol, and with one that is translated for.
WAYS = [(CHAT, "gpt"), (CHAT, "claude"), (MESSAGES, "claude"), (MESSAGES, "gpt")]
ways = pytest.mark.parametrize(("path", "kind"), WAYS, ids=["chat", "chat-translated", "messages", "messages-translated"])


@pytest.fixture
def http(api: ApiSite) -> Iterator[httpx2.Client]:
    with api.http() as client:
        yield client


def _ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 50, "messages": HI} | more


def _check_shape(answer: httpx2.Response, path: str) -> dict[str, Any]:
    """Return the error of an answer that has the shape of the protocol of `path`."""
    said: dict[str, Any] = answer.json()
    assert answer.headers["content-type"].startswith("application/json"), said
    assert answer.headers["x-request-id"].startswith("req_")
    if path.startswith(MESSAGES):
        assert said["type"] == "error"
        assert said["request_id"] == answer.headers["x-request-id"]
    error: dict[str, Any] = said["error"]
    assert error["message"]
    assert error["type"]
    return error


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{this is none",
    "a list": b"[]",
    "a number": b"5",
    "no UTF-8": b'{"model": "\xff\xfe"}',
    "a NUL byte": b'{"model": "gpt-ok\x00"}',
    "deep lists": b"[" * 200_000,
    "deep lists in a field": b'{"model": "%s", "max_tokens": 5, "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects in a field": b'{"model": "%s", "max_tokens": 5, "messages": ['
    + b'{"a":' * 50_000
    + b"1"
    + b"}" * 50_000
    + b"]}",
    "a lone surrogate": b'{"model": "%s", "max_tokens": 5, "messages": [{"role": "user", "content": "\\ud800"}]}',
    "an unknown model": b'{"model": "nobody", "max_tokens": 5, "messages": []}',
    "a model of a wrong type": b'{"model": {"a": 1}, "messages": []}',
    "no messages": b'{"model": "%s", "max_tokens": 5}',
    "messages of a wrong type": b'{"model": "%s", "max_tokens": 5, "messages": {"role": "user"}}',
    "stream of a wrong type": b'{"model": "%s", "max_tokens": 5, "messages": [], "stream": "yes"}',
    "a limit of a wrong type": b'{"model": "%s", "max_tokens": "many", "messages": []}',
    "a negative limit": b'{"model": "%s", "max_tokens": -1, "messages": []}',
    "a huge limit": b'{"model": "%s", "max_tokens": ' + b"9" * 400 + b', "messages": []}',
}
# What a model of the same protocol gets as it came, for its provider to judge.
_PASSED_ON = {"deep lists in a field", "deep objects in a field", "a lone surrogate"}


@ways
@pytest.mark.parametrize("name", BODIES)
def test_a_wrong_body(http: httpx2.Client, provider: Provider, path: str, kind: str, name: str) -> None:
    passes = name in _PASSED_ON and (path == CHAT) is (kind == "gpt")
    model, before = ("e400" if passes else "ok"), len(provider.calls)

    answer = http.post(path, content=BODIES[name].replace(b"%s", f"{kind}-{model}".encode()))

    assert answer.status_code in (400, 404, 413)
    _check_shape(answer, path)
    if not passes:
        assert len(provider.calls) == before


_FIELDS = (
    "messages", "system", "stop", "stop_sequences", "tools", "tool_choice", "response_format", "output_config", "temperature",
    "thinking", "reasoning_effort", "stream_options", "parallel_tool_calls", "top_p", "service_tier", "max_completion_tokens",
)  # fmt: skip
_WRONG: tuple[Any, ...] = (5, True, "x", [5], {"a": 5}, [[]], [{}], [None], {"type": 5}, [{"type": "function", "function": 5}])
_WRONG_MESSAGES: tuple[Any, ...] = (
    [{"role": 5, "content": "x"}],
    [{"role": "user", "content": 5}],
    [{"role": "user", "content": [5]}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": 5}]}],
    [{"role": "user", "content": [{"type": "image", "source": 5}]}],
    [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": 5}]}],
    [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [5]}]}],
    [{"role": "user", "content": [{"type": ["text"], "text": "x"}]}],
    [{"role": "assistant", "content": 5}],
    [{"role": "assistant", "tool_calls": 5}],
    [{"role": "assistant", "tool_calls": [5]}],
    [{"role": "assistant", "content": [5]}],
    [{"role": "system", "content": [{"type": "text", "text": 5}]}],
    [{"role": "tool", "content": {"a": 5}, "tool_call_id": 5}],
)


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "claude"), (MESSAGES, "gpt")])
def test_no_wrong_field_breaks_the_translation(http: httpx2.Client, path: str, kind: str) -> None:
    bodies = [{field: value} for field in _FIELDS for value in _WRONG] + [{"messages": one} for one in _WRONG_MESSAGES]

    for body in bodies:
        answer = http.post(path, json=_ask(f"{kind}-e400", **body))

        assert answer.status_code == 400, (body, answer.text[:500])
        _check_shape(answer, path)


@ways
def test_ten_thousand_messages(http: httpx2.Client, provider: Provider, path: str, kind: str) -> None:
    messages = [{"role": ("user", "assistant")[number % 2], "content": f"word {number}"} for number in range(10_001)]

    answer = http.post(path, json=_ask(f"{kind}-ok", messages=messages))

    assert answer.status_code == 200
    assert len(provider.last().body["messages"]) == 10_001


@ways
def test_nul_and_pairs_of_surrogates_arrive(http: httpx2.Client, provider: Provider, path: str, kind: str) -> None:
    answer = http.post(path, json=_ask(f"{kind}-ok", messages=[{"role": "user", "content": "a\0b\U0001f600"}]))

    assert answer.status_code == 200
    content = provider.last().body["messages"][0]["content"]
    assert (content if isinstance(content, str) else content[0]["text"]) == "a\0b\U0001f600"


# Model, and the code that tells it: whole answers, and streams before or after their first word.
WHOLE = {
    "silent": "provider_timeout",
    "cut": "provider_cut",
    "reset": "provider_cut",
    "html": "provider_garbled",
    "no-json": "provider_garbled",
    "no-object": "provider_garbled",
    "stream-for-json": "provider_garbled",
    "compressed": "provider_garbled",
}


@ways
@pytest.mark.parametrize("model", WHOLE)
def test_a_provider_that_misbehaves(api: ApiSite, http: httpx2.Client, path: str, kind: str, model: str) -> None:
    before = api.calls()

    answer = http.post(path, json=_ask(f"{kind}-{model}", messages=[{"role": "user", "content": CANARY}]))

    assert 500 <= answer.status_code < 600
    error = _check_shape(answer, path)
    assert CANARY not in answer.text
    if path == CHAT:
        assert error["code"] == WHOLE[model]
    row = api.settled(1)[0]
    assert (row.status, row.code, row.model) == ("failed", WHOLE[model], f"{kind}-{model}")
    assert api.calls() == before + 1


@ways
@pytest.mark.parametrize("model", ["cut", "headers-only", "json-for-stream"])
def test_a_stream_that_breaks_off(api: ApiSite, http: httpx2.Client, path: str, kind: str, model: str) -> None:
    before = api.calls()

    answer = http.post(path, json=_ask(f"{kind}-{model}", stream=True))

    last = answer.text.strip().rpartition("\n\n")[2]
    data = json.loads(last.rpartition("data: ")[2])
    assert data["error"]["message"]
    assert "[DONE]" not in answer.text
    assert "message_stop" not in answer.text
    if path == MESSAGES:
        assert last.startswith("event: error\n")
    assert api.settled(1)[0].status == "failed"
    assert api.calls() == before + 1


@ways
@pytest.mark.parametrize("streams", [False, True])
def test_answers_of_wrong_types_break_nothing(api: ApiSite, http: httpx2.Client, path: str, kind: str, streams: bool) -> None:
    before = api.calls()

    answer = http.post(path, json=_ask(f"{kind}-wrong-types", stream=streams))

    translated = (path == CHAT) is (kind == "claude")
    if translated and not streams:
        assert _check_shape(answer, path)["message"]
        assert answer.status_code == 502
    elif translated:
        assert "error" in answer.text
    assert api.settled(1)[0].model == f"{kind}-wrong-types"
    assert api.calls() == before + 1
    assert http.get("/v1/models").status_code == 200


@ways
def test_a_flood_is_ended_with_bounded_memory(
    api: ApiSite, http: httpx2.Client, provider: Provider, path: str, kind: str
) -> None:
    http.post(path, json=_ask(f"{kind}-ok"))
    before = _memory(api)

    with http.stream("POST", path, json=_ask(f"{kind}-flood", stream=True)) as answer, _watched(api) as peak:
        for _ in answer.iter_raw():
            pass

    assert max(peak) - before < 96 * 2**20
    assert api.settled(1)[0].code == "provider_garbled"


def test_a_slow_reader_makes_the_provider_wait(api: ApiSite, http: httpx2.Client) -> None:
    http.post(CHAT, json=_ask("gpt-ok"))
    before, calls = _memory(api), api.calls()

    with http.stream("POST", CHAT, json=_ask("gpt-long", stream=True)) as answer, _watched(api) as peak:
        next(answer.iter_raw(1000))
        time.sleep(1)

    assert max(peak) - before < 16 * 2**20
    assert api.settled(1)[0].status == "stopped"
    assert api.calls() == calls + 1


def test_a_reader_that_left_before_the_first_word_ends_the_call(api: ApiSite, provider: Provider) -> None:
    calls = api.calls()
    with _connected(api, _ask("gpt-headers-only", stream=True)) as connection:
        _until(lambda: provider.last().model == "headers-only" and not provider.last().left.is_set())
        connection.shutdown(socket.SHUT_RDWR)

    assert provider.last().left.wait(2)
    assert api.settled(1)[0].status == "stopped"
    assert api.calls() == calls + 1


def test_half_a_request_holds_up_nobody(api: ApiSite, http: httpx2.Client) -> None:
    with _connected(api, _ask("gpt-ok"), most=-5), _connected(api, _ask("gpt-ok"), most=40):
        begun = time.monotonic()

        assert http.post(CHAT, json=_ask("gpt-ok")).status_code == 200

        assert time.monotonic() - begun < 2


@ways
def test_nothing_leaks_between_requests(api: ApiSite, path: str, kind: str) -> None:
    """Thirty at once, one in three of which fails, over the same few connections to the provider."""
    said: dict[int, str] = {}

    def ask(number: int) -> None:
        schema = [{"role": "user", "content": f"{CANARY}-{number}-"}]
        model = ("e400", "cut", "e404")[number % 3]
        with api.http() as client:
            said[number] = client.post(path, json=_ask(f"{kind}-{model}", messages=schema)).text

    before = api.calls()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(30)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    for number, text in said.items():
        others = [one for one in range(30) if one != number and f"{CANARY}-{one}-" in text]
        assert not others, (number, text)
        assert (f"{CANARY}-{number}-" in text) is (number % 3 != 1)
    api.settled(1)
    assert api.calls() == before + 30
    assert api.held() == 0


class _Watch:
    def __init__(self, api: ApiSite) -> None:
        self._api = api
        self._stop = threading.Event()
        self._seen: list[int] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> list[int]:
        self._thread.start()
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._seen.append(_memory(self._api))
            if self._stop.wait(0.05):
                return


_watched = _Watch


def _memory(api: ApiSite) -> int:
    """What the server's processes hold, in bytes."""
    return sum(one.memory_info().rss for one in api.server.processes())


def _connected(api: ApiSite, body: dict[str, Any], *, most: int | None = None) -> socket.socket:
    """A connection on which a request was sent, or its first `most` bytes."""
    content = json.dumps(body).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {api.key}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", api.server.port), timeout=5)
    connection.sendall((head.encode() + content)[:most])
    return connection


def _until(holds: Any, seconds: float = 3) -> None:
    by = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < by
        time.sleep(0.01)


@ways
def test_a_body_over_the_limit(http: httpx2.Client, path: str, kind: str) -> None:
    text = "x" * (3 * 2**20)

    answer = http.post(path, json=_ask(f"{kind}-ok", messages=[{"role": "user", "content": text}]))

    assert answer.status_code == 413
    assert text[:100] not in answer.text
    _check_shape(answer, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", CHAT, 405), ("DELETE", MESSAGES, 405), ("GET", "/v1/nothing", 404), ("POST", "/v1/messages/nothing", 404)],
)
def test_an_address_that_is_none(http: httpx2.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)

    assert answer.status_code == status
    _check_shape(answer, path)
