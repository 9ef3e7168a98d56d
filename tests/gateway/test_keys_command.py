"""`flask keys`: what the operator does with somebody's keys works, prints a key once, and is on record for its owner."""

from time import sleep

import pytest
from click.testing import Result
from flask import Flask

from chat.accounts import audit
from chat.gateway.keys import list_keys
from chat.kernel.db import db
from tests.browser import Browser
from tests.conftest import Clock
from tests.people import People


def test_a_key_is_made_printed_alone_and_recorded(app: Flask, client: Browser, people: People) -> None:
    limits = ["--budget-day", "2.50", "--model", "ok", "--network", "127.0.0.0/8", "--expires", "2999-01-01", "--no-training"]

    made = _keys(app, "create", "--account", people.alice.email, "--name", "CI", "--reason", "she asked", *limits)

    key = made.stdout.strip()
    assert client.get("/v1/models", headers={"x-api-key": key}).status_code == 200
    (row,) = list_keys(people.alice)
    assert (row.budget_day, row.models, row.networks, row.no_training) == (2_500_000, ["ok"], ["127.0.0.0/8"], True)
    assert [(one.act, one.reason) for one in audit.list_about(people.alice)] == [("made an API key", "she asked")]


def test_the_list_tells_keys_apart_and_shows_none(app: Flask, people: People) -> None:
    key = _keys(app, "create", "--account", people.alice.email, "--name", "CI\x1b[31m").stdout.strip()

    listed = _keys(app, "list", "--account", people.alice.email).stdout

    assert f"ck-{key[3:11]}…{key[-4:]}" in listed
    assert "1 keys." in listed
    assert key not in listed
    assert "\x1b" not in listed


def test_a_key_is_disabled_by_its_id(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    key = _keys(app, "create", "--account", people.alice.email, "--name", "CI").stdout.strip()
    (row,) = list_keys(people.alice)

    _keys(app, "disable", row.public_id)

    assert client.get("/v1/models", headers={"x-api-key": key}).status_code == 401
    assert [one.act for one in audit.list_about(people.alice)] == ["disabled an API key", "made an API key"]


def test_a_key_is_rotated_by_its_id(app: Flask, client: Browser, people: People, clock: Clock) -> None:
    old = _keys(app, "create", "--account", people.alice.email, "--name", "CI").stdout.strip()
    (row,) = list_keys(people.alice)

    new = _keys(app, "rotate", row.public_id, "--overlap-hours", "2").stdout.strip()

    assert _statuses(client, old, new) == [200, 200]
    clock.advance(hours=2, seconds=1)
    sleep(0.95)  # for how long a worker may believe what it knew of a key
    assert _statuses(client, old, new) == [401, 200]


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--account", "nobody@example.org", "--name", "x"),
        ("create", "--account", "alice@example.org", "--name", "x", "--budget-day", "much"),
        ("create", "--account", "alice@example.org", "--name", "x", "--endpoint", "chat"),
        ("create", "--account", "alice@example.org", "--name", "x", "--network", "here"),
        ("disable", "nothing"),
        ("rotate", "nothing"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_made(app: Flask, people: People, arguments: tuple[str, ...]) -> None:
    alice = people.alice

    result = app.test_cli_runner().invoke(args=["keys", *arguments])

    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    db.session.rollback()
    assert list_keys(alice) == []


def _keys(app: Flask, *arguments: str) -> Result:
    result = app.test_cli_runner().invoke(args=["keys", *arguments])
    assert result.exit_code == 0, result.output
    return result


def _statuses(client: Browser, *keys: str) -> list[int]:
    return [client.get("/v1/models", headers={"x-api-key": one}).status_code for one in keys]
