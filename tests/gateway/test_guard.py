"""A key opens the API from a header and nowhere else, and is dead a moment after its person or its account ended it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.gateway.keys import Terms, delete, disable, get_key
from chat.gateway.models import ApiKey
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.metering.current import current_clerk
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.gateway.conftest import KeyFor
from tests.people import People


def status(client: Browser, key: str) -> int:
    return client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code


def _row() -> ApiKey:
    return db.session.scalars(sa.select(ApiKey)).one()


def _disable(_account: Account) -> None:
    disable(_row(), kernel_clock.now())


def _delete(_account: Account) -> None:
    delete(_row())


def _expire(account: Account) -> None:
    get_key(account, _row().public_id).expires_at = kernel_clock.now()


def _freeze(account: Account) -> None:
    account.frozen_at = kernel_clock.now()


def _close(account: Account) -> None:
    account.closing_at = kernel_clock.now()


def _lock(account: Account) -> None:
    account.active = False


def _erase(account: Account) -> None:
    db.session.delete(account)


@pytest.mark.parametrize("end", [_disable, _delete, _expire, _freeze, _close, _lock, _erase])
def test_an_ended_key_is_dead_within_a_second(
    client: Browser, people: People, key: str, end: Callable[[Account], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(kernel_clock, "monotonic", lambda: moment)
    assert status(client, key) == 200
    assert current_clerk().flush()
    end(people.alice)
    db.session.commit()

    moment += 1.0

    assert status(client, key) == 401


def test_the_first_use_of_a_day_makes_no_dead_key_live_longer(
    client: Browser, key: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(kernel_clock, "monotonic", lambda: moment)
    assert status(client, key) == 200
    clock.advance(days=1)
    moment += 0.7
    assert status(client, key) == 200
    assert current_clerk().flush()
    disable(_row(), kernel_clock.now())
    db.session.commit()

    moment += 0.3

    assert status(client, key) == 401


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_many_requests_at_once_look_a_key_up_once(app: Flask, key: str) -> None:
    looked_up: list[str] = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def slowly(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM api_key" in statement:
            looked_up.append(statement)
            time.sleep(0.3)  # long enough for the others to come

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: status(app.test_client(), key), range(8)))

    assert answers == [200] * 8
    assert len(looked_up) == 1


def test_a_key_counts_in_a_header_only(client: Browser, key: str) -> None:
    body = {"model": "ok", "messages": [{"role": "user", "content": "Hi"}]}
    for name in ("key", "api_key", "api-key", "x-api-key", "access_token", "authorization", "token"):
        client.set_cookie(name, key)
        client.set_cookie(name, f"Bearer {key}")
        assert client.get("/v1/models", query_string={name: key}).status_code == 401
        assert client.post("/v1/chat/completions", json=body, query_string={name: key}).status_code == 401
        assert client.post("/v1/chat/completions", json=body | {name: key}).status_code == 401
        assert client.post("/v1/chat/completions", data={name: key}).status_code == 401
    for headers in (
        {"authorization": f"Basic {key}"},
        {"authorization": key},
        {"cookie": key},
        {"referer": key},
        {"api-key": key},
    ):
        assert client.get("/v1/models", headers=headers).status_code == 401
    for headers in ({"x-api-key": key}, {"authorization": f"bearer {key}"}):
        assert client.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_key_that_is_almost_right_is_none(client: Browser, key: str) -> None:
    for wrong in (
        key[:-1],
        key + "a",
        key.swapcase(),
        key.removeprefix("ck-"),
        f"{key[:12]}{'a' * 34}",
        "ck-",
        "ck-\u00e9",
        "ck-" + "a" * 9000,
    ):
        assert client.get("/v1/models", headers={"x-api-key": wrong}).status_code == 401, wrong


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_key_is_bound_to_its_networks_models_and_endpoints(client: Browser, key_for: KeyFor) -> None:
    assert status(client, key_for(Terms(networks=("192.0.2.0/24",)))) == 403
    assert status(client, key_for(Terms(networks=("127.0.0.0/8", "192.0.2.0/24")))) == 200
    key = key_for(Terms(models=("ok",), endpoints=("chat/completions",)))
    listed = client.get("/v1/models", headers={"x-api-key": key}).json
    assert listed is not None
    assert [one["id"] for one in listed["data"]] == ["ok"]
    body = {"max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    for path, model, code in (("chat/completions", "ok", 200), ("chat/completions", "sees", 404), ("messages", "ok", 403)):
        assert client.post(f"/v1/{path}", json=body | {"model": model}, headers={"x-api-key": key}).status_code == code


def test_the_day_of_its_last_use_is_written(client: Browser, key: str) -> None:
    assert status(client, key) == 200
    assert status(client, key) == 200
    assert current_clerk().flush()

    assert db.session.scalar(sa.select(ApiKey.last_used_on)) == kernel_clock.now().date()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_site_without_the_api_has_none(make_app: MakeApp) -> None:
    app: Flask = make_app({"features.api": False})

    assert app.test_client().get("/v1/models", headers={"x-api-key": "ck-x"}).status_code == 404


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_guessing_is_slowed_down(client: Browser) -> None:
    statuses = [status(client, f"ck-{number}") for number in range(61)]

    assert statuses == [401] * 60 + [429]


def test_an_expired_key_is_dead_at_that_moment(client: Browser, key_for: KeyFor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status(client, key_for(Terms(expires_at=kernel_clock.now() - timedelta(seconds=1)))) == 401
