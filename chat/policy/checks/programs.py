"""Whether the API does what is said of it, with keys as a program has them: by the key alone, without a browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from chat.policy.promise import Broken, require
from chat.policy.scratch.client import open_client
from chat.policy.scratch.configuration import TRAP_THAT_TRAINS
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.visitor import Person
from chat.policy.sweep import Canary

if TYPE_CHECKING:
    import httpx2

_KEY = re.compile(r"\bck-[A-Za-z0-9]{43}\b")
# How long what is settled may take to be written, and what is revoked to die.
_SOON = 5.0
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
_ENDS = {CHAT: b"[DONE]", MESSAGES: b"message_stop"}
_FAILURES = ("echo-400", "echo-500", "error-event", "unauthorized", "cut", "reset", "garbage")


def capability(scratch: Scratch) -> str:
    """Every model answers in both protocols, whole and as a stream; each call is counted, and a revoked key is dead."""
    person = scratch.newcomer()
    key = make_key(scratch, person)
    with program(scratch, key) as http:
        models = [one["id"] for one in http.get("/v1/models").json()["data"]]
        require(models, "The API lists no model.")
        before = len(_usage(scratch, person))
        for model in models:
            for path in (CHAT, MESSAGES):
                _answers(http, path, model)
        if scratch.profile.retention.request_logs:
            expected = before + 4 * len(models)
            soon(lambda: len(_usage(scratch, person)) == expected, "Not every call of the API was counted exactly once.")
        asked = http.post(CHAT, content=body("nothing-like-it", "Hello"))
        require(asked.status_code == 404 and "error" in asked.json(), "A model that does not exist was not refused.")
    listed = scratch.run("keys", "list", "--account", person.email)
    scratch.run("keys", "disable", listed.split()[0])
    with program(scratch, key) as http:
        soon(lambda: http.get("/v1/models").status_code == 401, "A key that was ended goes on working.")
    return f"{len(models)} models answered a program in both protocols, each call was counted, and an ended key was refused."


def keys(scratch: Scratch) -> str:
    """The key stands in the answer that made it and nowhere else; by a keyed hash alone it cannot be found again."""
    person = scratch.newcomer()
    key = make_key(scratch, person)
    secret = Canary(key)
    with program(scratch, key) as http:
        require(http.get("/v1/models").status_code == 200, "A new key opens nothing, so nothing was shown.")
    with program(scratch, None) as stranger:
        for place, answer in _elsewhere(stranger, key):
            require(answer == 401, f"A key was taken from {place}, where others could read it.")
    shown = person.get("/settings/keys").text
    require(key not in shown, "A key is shown a second time.")
    scratch.require_nowhere(secret)
    scratch.require_nowhere(Canary(key.removeprefix("ck-")))
    (row,) = [one for one in scratch.tables.rows("api_key") if one["last_four"] == key[-4:]]
    digest = bytes(row["digest"])
    require(len(digest) == 32, "A key is not kept as a hash.")
    plain = [sha256(text.encode()).digest() for text in (key, key.removeprefix("ck-"))]
    require(digest not in plain, "A key is kept by a hash that whoever has the table could try keys on.")
    return "A new key opened the API from a header alone, and was found in no table, file or log; its hash is keyed."


def stops(scratch: Scratch) -> None:
    """Raise Broken unless a program is stopped at its key's limit, and another one is not stopped with it."""
    first, second = (make_key(scratch, scratch.newcomer(), "--requests-per-minute", "3") for _ in range(2))
    with program(scratch, first) as http, program(scratch, second) as other:
        model = http.get("/v1/models").json()["data"][0]["id"]
        answers = [http.post(CHAT, content=body(model, "Hello")) for _ in range(4)]
        require(answers[0].status_code == 200, "A program could not send even one request.")
        require(answers[-1].status_code == 429, "A program could send more than its key allows.")
        require(answers[-1].headers.get("retry-after", "").isdigit(), "A program is not told when to try again.")
        require(other.post(CHAT, content=body(model, "Hello")).status_code == 200, "One key's limit stopped another key.")


def stores_nothing(scratch: Scratch) -> int:
    """Ask the API in every way there is, and sweep after each. Returns how many ways."""
    key = make_key(scratch, scratch.newcomer())
    ways: list[tuple[str, Callable[[Scratch, httpx2.Client, Canary], None]]] = [
        ("requests that are answered", _ask),
        ("a stream that nobody reads to its end", _leave),
        ("requests that are wrong", _confuse),
        *((f"a provider that fails ({script})", _failing(script)) for script in _FAILURES),
    ]
    for name, way in ways:
        canary = Canary()
        try:
            with scratch.watched(canary), program(scratch, key) as http:
                way(scratch, http, canary)
        except Broken as broken:
            raise Broken(f"In the API, after {name}: {broken}") from None
    return len(ways)


def refuses_training(scratch: Scratch) -> None:
    """Raise Broken if a provider that trains is asked because a program names its model."""
    canary = Canary()
    before = len(scratch.provider.received)
    with program(scratch, make_key(scratch, scratch.newcomer())) as http:
        for path in (CHAT, MESSAGES):
            answer = http.post(path, content=body(TRAP_THAT_TRAINS, f"Learn {canary}"))
            require(answer.status_code in (403, 404), "The API does not refuse a model whose provider trains.")
    reached = [one for one in scratch.provider.received[before:] if str(canary).encode() in one.body]
    require(not reached, "A program's request was sent to a provider that trains on what it is sent.")


def make_key(scratch: Scratch, person: Person, *terms: str) -> str:
    """Return a new key of this person."""
    said = scratch.run("keys", "create", "--account", person.email, "--name", "check", *terms)
    found = _KEY.search(said)
    require(found, "Making a key by command shows none.")
    assert found
    return found[0]


@contextmanager
def program(scratch: Scratch, key: str | None) -> Iterator[httpx2.Client]:
    """A program with this key, and nothing else."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    with open_client(scratch.url, headers=headers) as http:
        yield http


def _answers(http: httpx2.Client, path: str, model: str) -> None:
    whole = http.post(path, content=body(model, "Hello"))
    require(whole.status_code == 200 and "Here is an answer." in whole.text, f"{model} did not answer at {path}.")
    with http.stream("POST", path, content=body(model, "Hello", stream=True)) as response:
        said = response.read()
    require(response.status_code == 200 and b"answer." in said, f"{model} did not answer at {path} as a stream.")
    require(_ENDS[path] in said, f"A stream of {model} at {path} does not end as the protocol says.")


def _ask(scratch: Scratch, http: httpx2.Client, canary: Canary) -> None:
    model = _model(http)
    with scratch.provider.playing("echo"):
        for path in (CHAT, MESSAGES):
            answer = http.post(path, content=body(model, f"Repeat {canary}"))
            require(str(canary) in answer.text, "no answer came, so nothing was shown.")
            streamed = http.post(path, content=body(model, f"Repeat {canary}", stream=True))
            require(str(canary) in streamed.text, "no stream came, so nothing was shown.")
    http.post("/v1/embeddings", content=json.dumps({"model": model, "input": str(canary)}))
    http.post("/v1/responses", content=json.dumps({"model": model, "input": str(canary)}))
    http.post("/v1/messages/count_tokens", content=body(model, str(canary)))


def _leave(scratch: Scratch, http: httpx2.Client, canary: Canary) -> None:
    with (
        scratch.provider.playing("slow"),
        http.stream("POST", CHAT, content=body(_model(http), f"Tell {canary}", stream=True)) as response,
    ):
        require(next(response.iter_bytes(), b""), "no answer came, so nobody could leave it.")


def _confuse(_scratch: Scratch, http: httpx2.Client, canary: Canary) -> None:
    model = _model(http)
    for path in (CHAT, MESSAGES):
        http.post(path, content=f'{{"model": "{canary}')
        http.post(path, content=body(f"model-{canary}", "Hello"))
        http.post(path, content=json.dumps({"model": model, "messages": str(canary), "max_tokens": str(canary)}))
        http.post(path, content=json.dumps({"model": model, "messages": [{"role": str(canary), "content": {str(canary): 1}}]}))
    http.post(f"{CHAT}?q={canary}", content=f"{canary}", headers={"Cookie": f"a={canary}", "x-candor-policy": f"{canary}"})
    http.get(f"/v1/models/{canary}")
    http.get(f"/v1/{canary}")


def _failing(script: str) -> Callable[[Scratch, httpx2.Client, Canary], None]:
    def act(scratch: Scratch, http: httpx2.Client, canary: Canary) -> None:
        before, model = len(scratch.provider.received), _model(http)
        with scratch.provider.playing(script):
            for path in (CHAT, MESSAGES):
                for stream in (False, True):
                    try:
                        http.post(path, content=body(model, f"Tell {canary}", stream=stream))
                    except httpx2.TransportError:
                        continue  # a stream that is cut may end the connection
        require(
            any(str(canary).encode() in one.body for one in scratch.provider.received[before:]),
            "the words did not reach the provider, so nothing was shown.",
        )

    return act


def _elsewhere(http: httpx2.Client, key: str) -> Iterator[tuple[str, int]]:
    yield "the address", http.get("/v1/models", params={"api_key": key, "key": key}).status_code
    yield "a cookie", http.get("/v1/models", headers={"Cookie": f"api_key={key}; authorization=Bearer {key}"}).status_code
    yield "the path", http.get(f"/v1/models/{key}").status_code


def body(model: str, text: str, **more: Any) -> str:
    """Return a question as both protocols take it."""
    return json.dumps({"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}]} | more)


def _model(http: httpx2.Client) -> str:
    return str(http.get("/v1/models").json()["data"][0]["id"])


def _usage(scratch: Scratch, person: Person) -> list[dict[str, Any]]:
    (account,) = [one["id"] for one in scratch.tables.rows("account") if one["email"] == person.email]
    return [one for one in scratch.tables.rows("usage") if one["account_id"] == account]


def soon(holds: Callable[[], bool], sentence: str) -> None:
    """Raise Broken with this sentence unless it holds within a few seconds."""
    until = time.monotonic() + _SOON
    while not holds():
        require(time.monotonic() < until, sentence)
        time.sleep(0.1)
