"""Settings → API keys: a key is on one page and nowhere after that; whoever owns it decides what it may do."""

import re
from datetime import timedelta
from time import sleep

import pytest
import sqlalchemy as sa

from chat.accounts import freezing
from chat.gateway.keys import MOST_KEYS, Terms, list_keys, make_key
from chat.gateway.models import ApiKey
from chat.kernel.db import db
from chat.kernel.site import Site
from tests.browser import Browser, Page
from tests.conftest import Clock
from tests.people import People, sign_in

LISTING = "/settings/keys"
NEW = "/settings/keys/new"
# For how long a worker may believe what it knew of a key.
JUST_UNDER_A_SECOND = 0.95


def test_a_key_is_shown_once_and_opens_the_api(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    answer = client.submit(NEW, {"name": "Build server"}, action=NEW)

    key = _key_on(answer.text)
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert key not in answer.request.url
    assert _asks(client, key) == 200
    listing = client.get(LISTING).text
    assert key not in listing
    assert f"ck-{key[3:11]}…{key[-4:]}" in listing
    assert key not in client.get(f"{_address()}/edit").text


def test_everything_that_was_filled_in_is_kept(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    last_day = (clock.now + timedelta(days=9)).date()

    client.submit(NEW, _everything() | {"expires": last_day.isoformat()}, action=NEW)

    row = _only()
    assert (row.budget_day, row.budget_week, row.budget_month) == (500_000, 2_500_000, 10_000_000)
    assert (row.requests_per_minute, row.tokens_per_minute, row.parallel) == (60, 90_000, 4)
    assert (row.endpoints, row.models, row.networks) == (["chat/completions"], ["ok"], ["192.0.2.0/24", "2001:db8::/32"])
    assert (row.no_training, row.zero_retention, row.regions) == (True, True, ["this machine"])
    assert row.expires_at is not None
    assert (row.expires_at - timedelta(seconds=1)).date() == last_day
    assert row.expires_at.time().isoformat() == "00:00:00"


def test_the_form_of_a_key_holds_what_it_is(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    client.submit(NEW, _everything() | {"expires": clock.now.date().isoformat()}, action=NEW)
    before = _terms()

    client.submit(f"{_address()}/edit", action="/edit")

    assert _terms() == before


def test_a_key_can_be_given_other_terms(client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    client.submit(NEW, _everything(), action=NEW)

    client.submit(
        f"{_address()}/edit", {"name": "Renamed", "budget_day": "", "networks": "", "no_training": None}, action="/edit"
    )

    row = _only()
    assert (row.name, row.budget_day, row.networks, row.no_training) == ("Renamed", None, None, False)
    assert row.budget_week == 2_500_000


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "Give the key a name"),
        ({"budget_day": "a lot"}, "Write an amount in dollars"),
        ({"budget_month": "-3"}, "Write an amount in dollars"),
        ({"networks": "not a network"}, "is no address and no network"),
        ({"expires": "2001-01-01"}, "That day is over"),
        ({"parallel": "0"}, "Number must be between"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(client: Browser, people: People, fields: dict[str, str], words: str) -> None:
    sign_in(client, people.alice)

    answer = client.submit(NEW, {"name": "Mine"} | fields, action=NEW)

    assert words in answer.text.replace("&#39;", "'")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ApiKey)) == 0


def test_rotating_gives_a_new_key_and_lets_the_old_one_go_on(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    old = _key_on(client.submit(NEW, {"name": "Mine", "budget_day": "3"}, action=NEW).text)
    path = f"{_address()}/rotate"

    new = _key_on(client.submit(path, {"overlap": "1"}, action=path).text)

    assert new != old
    assert [_asks(client, one) for one in (old, new)] == [200, 200]
    assert [row.budget_day for row in list_keys(people.alice)] == [3_000_000, 3_000_000]
    clock.advance(hours=1, seconds=1)
    sleep(JUST_UNDER_A_SECOND)
    assert [_asks(client, one) for one in (old, new)] == [401, 200]


def test_a_disabled_key_is_dead_until_it_is_enabled(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    key = _key_on(client.submit(NEW, {"name": "Mine"}, action=NEW).text)
    assert _asks(client, key) == 200

    client.submit(LISTING, action=f"{_address()}/disable")
    sleep(JUST_UNDER_A_SECOND)
    assert _asks(client, key) == 401

    client.submit(LISTING, action=f"{_address()}/enable")
    sleep(JUST_UNDER_A_SECOND)
    assert _asks(client, key) == 200


def test_a_deleted_key_is_gone(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    key = _key_on(client.submit(NEW, {"name": "Mine"}, action=NEW).text)

    client.submit(f"{_address()}/edit", action="/delete")

    assert "You have no keys" in client.get(LISTING).text
    assert _asks(client, key) == 401


def test_keys_of_others_do_not_exist(client: Browser, people: People, site: Site, clock: Clock) -> None:
    row = make_key(people.alice, "Hers", Terms(), site.api_secret, clock.now).row
    db.session.commit()
    sign_in(client, people.bob)
    token = client.csrf("/settings/profile")

    for path in ("/edit", "/rotate", "/disable", "/enable", "/delete"):
        assert client.post(f"{LISTING}/{row.public_id}{path}", data={"csrf_token": token, "name": "Mine"}).status_code == 404

    assert "Hers" not in client.get(LISTING).text
    assert (_only().name, _only().disabled_at) == ("Hers", None)


def test_an_account_has_at_most_so_many_keys(client: Browser, people: People, site: Site, clock: Clock) -> None:
    for number in range(MOST_KEYS):
        make_key(people.alice, f"{number} " + "long" * 18, Terms(), site.api_secret, clock.now)
    db.session.commit()
    sign_in(client, people.alice)

    assert "as many keys as an account can have" in client.page(LISTING).text
    assert "An account can have 100 keys" in client.submit(NEW, {"name": "One more"}, action=NEW).text
    assert len(list_keys(people.alice)) == MOST_KEYS


def test_all_that_is_wrong_is_said_at_once(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    answer = client.submit(NEW, {"name": " ", "networks": "192.0.2.1\n300.1.2.3", "budget_day": "lots"}, action=NEW)

    said = answer.text.replace("&#39;", "'")
    assert all(words in said for words in ("Give the key a name", "'300.1.2.3' is no address", "Write an amount in dollars"))


@pytest.mark.parametrize("rotates", [False, True])
def test_a_reload_of_the_page_that_shows_a_key_makes_no_other(client: Browser, people: People, rotates: bool) -> None:
    sign_in(client, people.alice)
    path, fields = NEW, {"name": "Mine"}
    if rotates:
        client.submit(NEW, fields, action=NEW)
        path, fields = f"{_address()}/rotate", {}
    form = client.page(path).form(path)
    first = client.submit_form(form, path, fields)
    count = db.session.scalar(sa.select(sa.func.count()).select_from(ApiKey))

    again = client.submit_form(form, path, fields)

    assert "made already" in again.text
    assert _key_on(first.text) not in again.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ApiKey)) == count == 1 + rotates
    assert _key_on(client.submit(NEW, {"name": "Another"}, action=NEW).text)


def test_a_frozen_accounts_keys_are_not_said_to_work(client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    client.submit(NEW, {"name": "Mine"}, action=NEW)
    client.submit("/settings/data", action="/settings/data/freeze")

    page = client.page("/settings/keys")

    assert "rests while you are frozen" in page.text
    assert not [one for one in page.all("a") if one.get("href") in (NEW, f"{_address()}/rotate")]


def test_a_frozen_account_gets_no_new_key(client: Browser, people: People, clock: Clock) -> None:
    freezing.freeze(people.alice, clock.now)
    db.session.commit()

    answer = client.submit_form(sign_in(client, people.alice).page(NEW).form(NEW), NEW, {"name": "Mine"})

    assert "frozen" in answer.text
    assert list_keys(people.alice) == []


def test_models_that_are_gone_stay_on_the_list(client: Browser, people: People, site: Site, clock: Clock) -> None:
    make_key(people.alice, "Old", Terms(models=("gone",), regions=("Atlantis",)), site.api_secret, clock.now)
    db.session.commit()
    sign_in(client, people.alice)

    client.submit(f"{_address()}/edit", {"name": "New"}, action="/edit")

    assert (_only().name, _only().models, _only().regions) == ("New", ["gone"], ["Atlantis"])


def _everything() -> dict[str, str | list[str]]:
    return {
        "name": "Everything",
        "budget_day": "0.50",
        "budget_week": "$2.5",
        "budget_month": "10",
        "requests_per_minute": "60",
        "tokens_per_minute": "90000",
        "parallel": "4",
        "endpoints": ["chat/completions"],
        "models": ["ok"],
        "networks": "192.0.2.77/24\n\n 2001:db8::/32 ",
        "no_training": "y",
        "zero_retention": "y",
        "regions": ["this machine"],
    }


def _key_on(html: str) -> str:
    (code,) = [one for one in Page(html).all("code") if one.get("id") == "key"]
    assert re.fullmatch(r"ck-\w{43}", code.text), code.text
    return code.text


def _asks(client: Browser, key: str) -> int:
    return client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code


def _only() -> ApiKey:
    db.session.expire_all()
    return db.session.scalars(sa.select(ApiKey)).one()


def _terms() -> dict[str, object]:
    row = _only()
    return {name: getattr(row, name) for name in Terms.__dataclass_fields__} | {"name": row.name}


def _address() -> str:
    return f"{LISTING}/{_only().public_id}"
