"""No byte of what programs send by the API, or are answered, is written: at no endpoint, on no failure, at no log level."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from chat.policy.sweep import Canary, watching
from tests.databases import Postgres
from tests.gateway.misbehaviour import MISBEHAVIOURS
from tests.gateway.provider import Provider
from tests.gateway.site import ApiSite, api_site, models
from tests.servers import Server
from tests.sweep.conftest import Swept

pytestmark = pytest.mark.server

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
_SILENT = ("silent", "headers-only", "stall")  # each costs the time that a provider is given
FAILING = ("e400", "e401", "e404", "e429", "e500", "e529", *(name for name in MISBEHAVIOURS if name not in (*_SILENT, "long")))
ENDPOINTS = (CHAT, MESSAGES, f"{MESSAGES}/count_tokens", RESPONSES, "/v1/embeddings")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(MISBEHAVIOURS) as started:
        yield started


@pytest.fixture(scope="module", params=["flask, SQLite", "gunicorn, PostgreSQL"])
def api(request: pytest.FixtureRequest, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    profile = {"providers": models(provider.url, ["ok", "endless", *MISBEHAVIOURS, *FAILING[:6]])}
    settings = {"CHAT_LOG_LEVEL": "DEBUG", "CHAT_FIRST_BYTE_SECONDS": "1"}
    folder = tmp_path_factory.mktemp("api")
    if request.param.startswith("flask"):
        with api_site("flask", profile, folder, **settings) as started:
            yield started
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create()
    with api_site("gunicorn", profile, folder, **settings, DATABASE_URL=url) as started:
        yield started
    postgres.drop(url)


@pytest.fixture(scope="module")
def server(api: ApiSite) -> Server:
    return api.server


def _body(model: str, canary: Canary, path: str, **more: Any) -> dict[str, Any]:
    words = f"{canary} is what I want to know. Tell me about {canary}."
    picture = {"type": "image_url", "image_url": {"url": f"https://example.org/{canary}.png"}}
    body: dict[str, Any] = {"model": model, "user": f"{canary}", **more}
    if path in (RESPONSES, "/v1/embeddings"):
        return body | {"input": words}
    if path == CHAT:
        return body | {"messages": [{"role": "user", "content": [{"type": "text", "text": words}, picture]}], "max_tokens": 9}
    del body["user"]
    body["metadata"] = {"user_id": f"{canary}"}
    limit = {} if path.endswith("count_tokens") else {"max_tokens": 9}
    return body | {"system": f"Answer like {canary}", "messages": [{"role": "user", "content": words}]} | limit


def _answers(http: httpx2.Client, canary: Canary) -> None:
    for path in ENDPOINTS:
        for kind in ("gpt", "claude"):
            answer = http.post(path, json=_body(f"{kind}-ok", canary, path))
            streams = not path.endswith(("count_tokens", "embeddings"))
            if streams and answer.status_code == 200:
                assert http.post(path, json=_body(f"{kind}-ok", canary, path, stream=True)).status_code == 200
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": f"{canary}", "openai-beta": f"{canary}"}
    for path, model in ((CHAT, "gpt-ok"), (MESSAGES, "claude-ok"), (MESSAGES, "gpt-ok"), (MESSAGES, "claude-e400")):
        http.post(path, json=_body(model, canary, path), headers=headers)
    unknown = {f"field-{canary}": f"{canary}"}
    assert http.post(CHAT, json=_body("gpt-ok", canary, CHAT, **unknown)).status_code == 200
    assert http.post(CHAT, json=_body("claude-ok", canary, CHAT, **unknown)).status_code == 400


def _failures(http: httpx2.Client, canary: Canary) -> None:
    for path in (CHAT, MESSAGES):
        for kind in ("gpt", "claude"):
            for name in FAILING:
                for streams in (False, True):
                    # Floods are the same whoever asks, and long.
                    if name != "flood" or (path, kind) == (CHAT, "gpt"):
                        http.post(path, json=_body(f"{kind}-{name}", canary, path, stream=streams))


def _silence(http: httpx2.Client, canary: Canary) -> None:
    assert http.post(CHAT, json=_body("gpt-silent", canary, CHAT)).status_code == 504
    assert http.post(MESSAGES, json=_body("gpt-headers-only", canary, MESSAGES, stream=True)).status_code == 200


def _leaving(http: httpx2.Client, canary: Canary) -> None:
    for path in (CHAT, MESSAGES):
        for model in ("gpt-endless", "claude-endless"):
            with http.stream("POST", path, json=_body(model, canary, path, stream=True)) as answer:
                next(answer.iter_raw(200))


def _nonsense(http: httpx2.Client, canary: Canary) -> None:
    word = str(canary)
    for path in ENDPOINTS:
        for body in (f"{{{word}", f'["{word}"]', f'{{"model": "{word}"}}', f'{{"model": ["{word}"], "messages": "{word}"}}'):
            assert http.post(path, content=body).status_code >= 400
        http.post(path, json=_body(f"gpt-{word}", canary, path))
        http.post(path, json=_body("gpt-ok", canary, path, stream=word, max_tokens=word))
        http.post(path, json=_body("gpt-ok", canary, path), headers={"authorization": f"Bearer ck-{word}"})
        http.post(path, json=_body("gpt-ok", canary, path), headers={"authorization": f"Basic {word}", "x-api-key": word})
        http.post(
            path, json=_body("gpt-ok", canary, path), headers={"anthropic-version": word, "anthropic-beta": f"{word} {word}"}
        )
        http.post(f"{path}?api_key={word}", json=_body("gpt-ok", canary, path), headers={"cookie": f"candor={word}"})
    http.post(CHAT, json=_body("gpt-ok", canary, CHAT), headers={"user-agent": word, "referer": word, "x-request-id": word})
    http.post(CHAT, content=f"{word} ".encode() * 300_000)
    http.post(RESPONSES, json=_body("gpt-ok", canary, RESPONSES, store=True, previous_response_id=word))
    http.get(f"/v1/{word}")
    http.get(f"/v1/models/{word}?q={word}")
    http.delete(f"/v1/responses/{word}")


SCENARIOS = {"answers": _answers, "failures": _failures, "silence": _silence, "leaving": _leaving, "nonsense": _nonsense}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_nothing_is_written(
    api: ApiSite, provider: Provider, swept: Swept, scenario: Callable[[httpx2.Client, Canary], None]
) -> None:
    canary, server = Canary(), api.server

    with api.http() as http, watching(server, canary, server.temp, server.folder / "cwd", server.folder / "home") as hits:
        scenario(http, canary)

    assert str(canary) in str([call.body for call in provider.calls])
    api.settled(1)
    assert not [str(one) for one in [*hits, *swept(canary)]]


def test_the_key_is_in_no_file(api: ApiSite) -> None:
    with api.http() as http:
        http.get("/v1/models")
        http.get(f"/v1/models?key={api.key}", headers={"x-api-key": api.key})
        http.get(f"/v1/{api.key}", headers={"cookie": f"key={api.key}"})

    secret = api.key[11:-4].encode()
    assert not [str(one) for one in api.server.folder.rglob("*") if one.is_file() and secret in one.read_bytes()]
