"""Every address says who may call it, means it, and changes something only when asked by POST."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from chat.kernel.access import Audience, audience_of, when_frozen
from chat.kernel.db import Base, db
from chat.kernel.site import current_site
from tests.browser import Page
from tests.conftest import MakeApp
from tests.people import People, sign_in

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ARGUMENTS = {
    "act": "send", "version": "0", "filename": "css/bundle.css", "purpose": "history", "public_id": "AAAAAAAAAAAAAAAA",
    "token": "none", "number": "1", "turn": "AAAAAAAAAAAAAAAA", "verdict": "up", "device": "AAAAAAAAAAAAAAAA",
    "sequence": "1", "model_id": "ok", "receipt_id": "AAAAAAAAAAAAAAAA",
}  # fmt: skip


@on_sqlite
def test_every_endpoint_has_exactly_one_audience(app: Flask) -> None:
    without = [name for name, view in app.view_functions.items() if audience_of(view) is None]

    assert not without, without


@on_sqlite
def test_every_act_says_what_a_freeze_does_to_it(app: Flask) -> None:
    """A newcomer that says nothing is refused to a frozen account; say it all the same, and decide."""
    acts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}

    silent = [
        name
        for name in sorted(acts)
        for view in [app.view_functions[name]]
        if audience_of(view) is not Audience.API_KEY and when_frozen(view) is None
    ]

    assert not silent, silent


@on_sqlite
def test_strangers_are_asked_to_sign_in(app: Flask) -> None:
    client: Any = app.test_client()
    token = client.csrf()

    faults = []
    for rule, method, path in _calls(app):
        if audience_of(app.view_functions[rule.endpoint]) is Audience.PUBLIC:
            continue
        response = client.open(path, method=method, data={"csrf_token": token} if method == "POST" else None)
        if audience_of(app.view_functions[rule.endpoint]) is Audience.API_KEY:
            if response.status_code != 401 or "error" not in (response.json or {}):
                faults.append(f"{method} {rule.rule} answered {response.status_code} to a program without a key")
        elif not (response.status_code in (302, 303) and urlsplit(response.location).path == "/login"):
            faults.append(f"{method} {rule.rule} answered {response.status_code}")

    assert not faults, faults


@on_sqlite
def test_a_post_without_a_token_is_refused(app: Flask, people: People) -> None:
    client: Any = sign_in(app.test_client(), people.alice)  # type: ignore[arg-type]  # the app's clients are Browsers

    faults = [
        f"{rule.rule} answered {answer.status_code}"
        for rule, method, path in _calls(app)
        if method == "POST" and audience_of(app.view_functions[rule.endpoint]) is not Audience.API_KEY
        for answer in [client.post(path)]
        if answer.status_code != 400
    ]

    assert not faults, faults


@on_sqlite
def test_to_the_api_a_session_says_nothing(app: Flask, people: People) -> None:
    """No token against forgery is asked for there. None is needed, as long as what a browser sends by itself opens nothing."""
    client: Any = sign_in(app.test_client(), people.ada)  # type: ignore[arg-type]  # the app's clients are Browsers

    statuses = {
        rule.rule: client.open(path, method=method).status_code
        for rule, method, path in _calls(app)
        if audience_of(app.view_functions[rule.endpoint]) is Audience.API_KEY
    }

    assert len(statuses) > 5
    assert set(statuses.values()) == {401}


@on_sqlite
def test_nothing_changes_by_being_looked_at(app: Flask, people: People) -> None:
    client: Any = sign_in(app.test_client(), people.alice)  # type: ignore[arg-type]
    client.page("/")
    before = _everything()

    statuses = {path: client.get(path).status_code for _rule, method, path in _calls(app) if method == "GET"}

    assert _everything() == before
    assert not [path for path, status in statuses.items() if status >= 500 and path != "/readyz"]


@on_sqlite
def test_only_get_and_post_are_spoken(app: Flask) -> None:
    spoken = {method for rule in app.url_map.iter_rules() for method in rule.methods or ()}

    assert spoken == {"GET", "HEAD", "OPTIONS", "POST"}


@on_sqlite
def test_pages_for_signed_in_people_are_whole(app: Flask, people: People) -> None:
    """Each page a person may open stands up to the checks of the test browser, which looks at every page it is given."""
    client: Any = sign_in(app.test_client(), people.alice)  # type: ignore[arg-type]

    shown = [path for _rule, method, path in _calls(app) if method == "GET" and client.get(path).mimetype == "text/html"]

    assert len(shown) > 5


@on_sqlite
def test_each_settings_page_marks_its_entry_in_the_menu(make_app: MakeApp) -> None:
    app = make_app({"consents.offered": ["history", "improvement", "diagnostics"]})
    client: Any = sign_in(app.test_client(), People(current_site().keyring).alice)  # type: ignore[arg-type]  # they are Browsers
    marked = {}

    for rule, method, path in _calls(app):
        answer = client.get(path) if method == "GET" and rule.rule.startswith("/settings") else None
        if answer is None or answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        entries = Page(answer.text).with_class("menu__link")
        if entries:  # a mailed link opens a page without the menu
            marked[path] = [(one.get("href"), one.get("aria-current")) for one in entries if one.get("aria-current")]

    faults = {path: found for path, found in marked.items() if len(found) != 1}
    assert not faults, faults
    assert marked["/settings/data"] == [("/settings/data", "page")]
    assert marked["/settings/data/export"] == [("/settings/data", "true")]
    assert len(marked) > 15


def _calls(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Each rule with each of its methods and an address that matches it."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            missing = rule.arguments - ARGUMENTS.keys()
            assert not missing, f"{rule.rule}: say in ARGUMENTS what {missing} may be"
            built = rule.build({name: ARGUMENTS[name] for name in rule.arguments})
            assert built is not None
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                yield rule, method, built[1]


def _everything() -> dict[str, list[Any]]:
    db.session.rollback()
    return {
        name: [tuple(row) for row in db.session.execute(sa.select(table).order_by(*table.primary_key.columns))]
        for name, table in Base.metadata.tables.items()
    }
