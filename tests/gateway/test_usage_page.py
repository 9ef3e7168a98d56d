"""Settings → Usage: every figure is the sum of what was called, by day, key and model; nobody sees another's."""

import csv
from datetime import datetime
from io import StringIO
from typing import Any

import sqlalchemy as sa

from chat.gateway.keys import Terms, delete, make_key
from chat.gateway.models import ApiKey
from chat.kernel.db import db
from chat.kernel.site import Site
from chat.metering.models import Usage, UsageTotal
from chat.retention.jobs import purge
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import People, sign_in

PAGE = "/settings/usage"


def test_an_account_without_usage_is_told_so(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    assert "Nothing was used in this time." in client.page(PAGE).text
    assert "There are none." in client.page(f"{PAGE}/log").text


def test_usage_is_added_up_by_day_key_and_model(client: Browser, people: People, site: Site, clock: Clock) -> None:
    row = _key(people, site, clock, "Build <server>")
    for cost in (1_000_000, 250_000):
        _call(people.alice.id, clock.now, key=row.public_id, cost=cost)
    _call(people.alice.id, clock.now, key=None, cost=0, model="echo", estimated=True)
    sign_in(client, people.alice)

    page = client.page(PAGE)

    assert _rows(page) == {
        "Build <server>": ["2", "14", "4", "$1.25"],
        "Chat": ["1", "7", "2", "≈ partly estimated: $0.00"],
        "ok": ["2", "14", "4", "$1.25"],
        "echo": ["1", "7", "2", "≈ partly estimated: $0.00"],
        f"{clock.now:%-d %b %Y}": ["3", "21", "6", "≈ partly estimated: $1.25"],
    }
    assert len(list(page.all("svg"))) >= 2
    assert f"{clock.now:%-d %b %Y}: $1.25" in [one.text for one in page.all("title")]


def test_what_is_folded_into_totals_shows_the_same(client: Browser, people: People, site: Site, clock: Clock) -> None:
    row = _key(people, site, clock, "Mine")
    _call(people.alice.id, clock.now, key=row.public_id, cost=3)
    _call(people.alice.id, clock.now, key=row.public_id, cost=4)
    sign_in(client, people.alice)
    before = _rows(client.page(f"{PAGE}?days=90"))

    clock.advance(days=30)
    purge()
    _call(people.alice.id, clock.now, key=row.public_id, cost=5)
    sign_in(client, people.alice)

    assert db.session.scalar(sa.select(sa.func.sum(UsageTotal.cost))) == 7
    assert before["Mine"] == ["2", "14", "4", "$0.000007"]
    assert _rows(client.page(f"{PAGE}?days=90"))["Mine"] == ["3", "21", "6", "$0.000012"]
    assert _rows(client.page(f"{PAGE}?days=7"))["Mine"] == ["1", "7", "2", "$0.000005"]


def test_the_download_holds_every_line_and_no_formula(client: Browser, people: People, site: Site, clock: Clock) -> None:
    row = _key(people, site, clock, "=cmd()")
    _call(people.alice.id, clock.now, key=row.public_id, cost=1_500_001)
    sign_in(client, people.alice)

    answer = client.get(f"{PAGE}/download")

    assert answer.mimetype == "text/csv"
    (line,) = csv.DictReader(StringIO(answer.text))
    assert line == {
        "day": clock.now.date().isoformat(),
        "key": row.public_id,
        "key_name": "'=cmd()",
        "model": "ok",
        "requests": "1",
        "estimated": "0",
        "input_tokens": "7",
        "output_tokens": "2",
        "cost_dollars": "1.500001",
    }


def test_the_log_is_paged_and_newest_first(client: Browser, people: People, clock: Clock) -> None:
    for number in range(51):
        _call(people.alice.id, clock.now, key=None, cost=number)
        clock.advance(seconds=1)
    sign_in(client, people.alice)

    first, second = client.page(f"{PAGE}/log"), client.page(f"{PAGE}/log?page=2")

    assert [len(list(page.all("tr"))) - 1 for page in (first, second)] == [50, 1]
    assert "$0.00005" in first.text
    assert "Newer" in second.text
    assert "Older" not in second.text
    assert client.get(f"{PAGE}/log?page=-5").status_code == 200
    assert client.get(f"{PAGE}/log?page={10**30}").status_code == 200
    assert client.get(f"{PAGE}?days=nonsense").status_code == 200


def test_a_deleted_key_is_still_told_apart(client: Browser, people: People, site: Site, clock: Clock) -> None:
    row = _key(people, site, clock, "Gone")
    name = row.public_id
    _call(people.alice.id, clock.now, key=name, cost=1)
    delete(row)
    db.session.commit()

    assert f"Deleted key …{name[-4:]}" in _rows(sign_in(client, people.alice).page(PAGE))


def test_nobody_sees_the_usage_of_another(client: Browser, people: People, clock: Clock) -> None:
    _call(people.alice.id, clock.now, key=None, cost=1, model="sees")
    sign_in(client, people.bob)

    for path in (PAGE, f"{PAGE}/log", f"{PAGE}/download"):
        assert "sees" not in client.get(path).text


def test_a_site_that_keeps_no_single_requests_says_so(make_app: MakeApp, site: Site, people: People) -> None:
    app: Any = make_app({"retention.request_logs": 0})
    client = sign_in(app.test_client(), people.alice)

    assert "Single requests are not kept at all." in client.page(PAGE).text
    assert "keeps no single requests" in client.page(f"{PAGE}/log").text


def _key(people: People, site: Site, clock: Clock, name: str) -> ApiKey:
    row = make_key(people.alice, name, Terms(), site.api_secret, clock.now).row
    db.session.commit()
    return row


def _call(account: int, at: datetime, *, key: str | None, cost: int, model: str = "ok", estimated: bool = False) -> None:
    sizes = {"input_bytes": 10, "output_bytes": 5, "input_tokens": 7, "output_tokens": 2, "total_ms": 12}
    who = {"account_id": account, "at": at, "source": "api", "key": key, "model": model, "provider": "fake"}
    db.session.add(Usage(**who, **sizes, status="done", code=None, estimated=estimated, cost=cost, first_token_ms=3))
    db.session.commit()


def _rows(page: Any) -> dict[str, list[str]]:
    found = {}
    for row in page.all("tr"):
        (head, *cells) = [" ".join(one.text.split()) for one in row.all("th", "td")]
        if head not in ("Key", "Model", "Day"):
            found[head] = cells
    return found
