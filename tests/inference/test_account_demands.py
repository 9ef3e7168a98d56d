"""What a person demands of whoever answers them holds in the chat and with each key, and a place left out gets nothing."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts import freezing
from chat.accounts.models import Account
from chat.gateway.keys import Terms, make_key
from chat.inference.models import AccountDemands
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.site import Site
from tests.browser import Browser, Page
from tests.chatting import Chat, turn_history_on
from tests.conftest import Clock, MakeApp
from tests.fakes import FakeProvider
from tests.people import People, sign_in

PAGE = "/settings/models"
FINLAND, CANADA, HERE = ("Finland", 0), ("Canada", 30), ("this machine", 0)


@pytest.fixture
def app(make_app: MakeApp, fake: FakeProvider) -> Flask:
    """Three providers in three places; the one in Canada keeps what it is sent, and is the site's first."""
    return make_app({"providers": [_provider(fake.url, *one) for one in (CANADA, FINLAND, HERE)]})


@pytest.fixture
def alice(client: Browser, people: People) -> Browser:
    return sign_in(client, people.alice)


def test_nothing_is_left_out_at_first(alice: Browser) -> None:
    page = alice.page(PAGE)

    assert _ticked(page) == ["Canada", "Finland", "this machine"]
    assert page.text.count("may be asked") == 4  # three models, and the lead
    assert db.session.query(AccountDemands).count() == 0


def test_a_place_that_is_left_out_is_asked_nothing(alice: Browser, fake: FakeProvider) -> None:
    before = Chat(alice)
    said = _choose(alice, ["Finland", "this machine"])

    assert "Chosen." in said.text
    assert _ticked(said) == ["Finland", "this machine"]
    refused = before.send("Hello", model="canada")
    assert refused.status == 403
    assert "it runs in Canada, which is not among the allowed regions" in refused.page.text
    assert "Hello" in refused.page.by_id("words").text
    assert before.stream(text="Hello", model="canada").status == 403
    assert fake.calls == []
    assert Chat(alice).send("Hello").status == 200
    assert [one.path.split("/")[1] for one in fake.calls] == ["finland"]


def test_a_model_left_out_cannot_be_chosen(alice: Browser) -> None:
    _choose(alice, ["Finland", "this machine"])

    page = alice.page("/")

    radios = [one for one in page.all("input") if one.get("name") == "model"]
    assert [one.get("value") for one in radios] == ["finland", "here"]
    assert [one.get("value") for one in radios if "checked" in one.attributes] == ["finland"]
    assert "1 model is left out by your settings" in page.text


def test_it_holds_for_each_key(alice: Browser, people: People, site: Site, fake: FakeProvider) -> None:
    plain, stricter = (_key(people.alice, site, terms) for terms in (Terms(), Terms(regions=("Canada", "Finland"))))
    _choose(alice, ["Finland", "this machine"])

    statuses = {(key, model): _ask(alice, key, model) for key in (plain, stricter) for model in ("canada", "finland", "here")}

    assert list(statuses.values()) == [403, 200, 200, 403, 200, 403]
    assert {one.path.split("/")[1] for one in fake.calls} == {"finland", "here"}
    listed = alice.get("/v1/models", headers={"x-api-key": plain}).json
    assert listed is not None
    assert [one["id"] for one in listed["data"]] == ["finland", "here"]


def test_a_key_learns_of_it_within_a_second(
    alice: Browser, people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(kernel_clock, "monotonic", lambda: moment)
    key = _key(people.alice, site, Terms())
    assert _ask(alice, key, "canada") == 200

    _choose(alice, ["Finland"])
    moment += 1

    assert _ask(alice, key, "canada") == 403


def test_nobody_who_keeps_anything(alice: Browser, fake: FakeProvider) -> None:
    said = _choose(alice, ["Canada", "Finland", "this machine"], zero_retention="y")

    assert _ticked(said) == ["Canada", "Finland", "this machine"]
    refused = Chat(alice).send("Hello", model="canada")
    assert refused.status == 403
    assert "keeps it for 30 days" in refused.page.text
    assert fake.calls == []


def test_others_are_asked_as_before(alice: Browser, app: Flask, people: People, fake: FakeProvider) -> None:
    _choose(alice, ["Finland"])
    bob, guest = app.test_client(), app.test_client()
    assert isinstance(bob, Browser)
    assert isinstance(guest, Browser)

    statuses = [Chat(one).send("Hello", model="canada").status for one in (sign_in(bob, people.bob), guest)]

    assert statuses == [200, 200]
    assert len(fake.calls) == 2


def test_a_choice_under_which_nobody_could_answer_is_refused(alice: Browser) -> None:
    _choose(alice, ["Finland"])

    nowhere = _choose(alice, [])
    keeper = _choose(alice, ["Canada"], zero_retention="y")

    for page, ticked in ((nowhere, []), (keeper, ["Canada"])):
        assert "No model could answer you then" in page.text
        assert _ticked(page) == ticked
    row = db.session.scalars(sa.select(AccountDemands)).one()
    assert (row.regions, row.zero_retention) == (["Finland"], False)


def test_a_place_that_there_is_not_is_refused(alice: Browser) -> None:
    page = _choose(alice, ["Mars"])

    assert "Mars" in page.text
    assert db.session.query(AccountDemands).count() == 0


def test_everything_can_be_allowed_again(alice: Browser, fake: FakeProvider) -> None:
    _choose(alice, ["Finland"])

    _choose(alice, ["Canada", "Finland", "this machine"])

    assert db.session.scalars(sa.select(AccountDemands)).one().regions is None
    assert Chat(alice).send("Hello", model="canada").status == 200
    assert len(fake.calls) == 1


def test_a_place_that_is_added_later_is_left_out_too(alice: Browser, make_app: MakeApp, fake: FakeProvider) -> None:
    _choose(alice, ["Finland"])
    db.session.remove()
    later = make_app({"providers": [_provider(fake.url, *one) for one in (("Peru", 0), CANADA)]}).test_client()
    assert isinstance(later, Browser)
    sign_in(later, db.session.scalars(sa.select(Account).where(Account.email == "alice@example.org")).one())

    page = later.page("/")

    assert "Your settings leave out every model of this site" in page.text
    assert "Finland" in _ticked(later.page(PAGE))
    assert Chat(later).send("Hello", model="peru").status == 403


def test_a_frozen_account_changes_nothing(alice: Browser, people: People, clock: Clock) -> None:
    token = alice.csrf(PAGE)
    freezing.freeze(people.alice, clock.now)
    db.session.commit()

    answer = alice.post(PAGE, data={"csrf_token": token, "regions": ["Finland"]})

    assert answer.status_code == 403
    assert not [one for one in alice.page(PAGE).form(PAGE).all("button", "input") if one.get("type") == "submit"]


def test_a_title_is_not_asked_for_from_there_either(alice: Browser, fake: FakeProvider) -> None:
    turn_history_on(alice)
    conversation = Chat(alice).send("Hello", model="canada").conversation
    _choose(alice, ["Finland"])
    asked = len(fake.calls)

    answer = alice.post(f"/c/{conversation}/title", data={"csrf_token": alice.csrf(PAGE)})

    assert answer.status_code == 403
    assert len(fake.calls) == asked == 1


def _provider(url: str, region: str, days: int) -> dict[str, Any]:
    name = "here" if region == "this machine" else region.lower()
    policy = {"region": region, "retention_days": days, "trains": False, "checked": date(2026, 11, 21)}
    if region != "this machine":
        policy["url"] = "https://terms.example/"
    return {
        "id": name,
        "name": region,
        "kind": "openai",
        "base_url": f"{url}/{name}/v1",
        "policy": policy,
        "models": [{"id": name, "name": f"Model in {region}", "upstream": "ok", "context": 8192}],
    }


def _choose(client: Browser, regions: list[str], **fields: str) -> Page:
    data = {"csrf_token": client.csrf(PAGE), "regions": regions} | fields
    return Page(client.post(PAGE, data=data, follow_redirects=True).get_data(as_text=True))


def _ticked(page: Page) -> list[str]:
    return [one.get("value") for one in page.all("input") if one.get("name") == "regions" and "checked" in one.attributes]


def _key(account: Account, site: Site, terms: Terms) -> str:
    made = make_key(account, "test", terms, site.api_secret, kernel_clock.now())
    db.session.commit()
    return made.key


def _ask(client: Browser, key: str, model: str) -> int:
    body = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]}
    return client.post("/v1/chat/completions", json=body, headers={"x-api-key": key}).status_code
