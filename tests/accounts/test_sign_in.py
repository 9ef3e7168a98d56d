"""Signing in and out."""

import re
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask

from chat.kernel.db import db
from chat.kernel.site import current_site
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import PASSWORD, People, sign_in

ELSEWHERE = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "http:evil.example",
    "https:/evil.example", "/\t/evil.example", " //evil.example", "javascript:alert(1)", "//evil.example/%2f..",
    "https://127.0.0.1@evil.example", "\x00//evil.example",
]  # fmt: skip


def test_a_person_signs_in_whatever_the_case_of_the_address(client: Browser, people: People) -> None:
    response = attempt(client, people.alice.email.upper())

    assert response.location == "/"
    assert client.get("/settings/security").status_code == 200


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(app: Flask, people: People) -> None:
    known, unknown = app.test_client(), app.test_client()

    answers = [attempt(known, people.alice.email, "wrong password"), attempt(unknown, "alicia@example.org", "wrong password")]

    seen = [without_token(answer.text).replace("alicia@", "alice@") for answer in answers]
    assert seen[0] == seen[1]
    assert "do not belong together" in seen[0]


def test_someone_unconfirmed_reads_why_only_with_the_right_password(mailing_app: Flask, people: People) -> None:
    people.alice.confirmed_at = None
    db.session.commit()

    right = attempt(mailing_app.test_client(), people.alice.email)
    wrong = attempt(mailing_app.test_client(), people.alice.email, "wrong password")

    assert "not confirmed yet" in right.text
    assert "not confirmed yet" not in wrong.text


def test_a_session_ends_with_the_browser_unless_the_person_says_otherwise(app: Flask, people: People) -> None:
    plain, kept = app.test_client(), app.test_client()

    cookies = [
        attempt(plain, people.alice.email).headers["Set-Cookie"],
        attempt(kept, people.alice.email, keep_signed_in="y").headers["Set-Cookie"],
    ]

    assert "Expires" not in cookies[0]
    assert "Max-Age" not in cookies[0]
    assert "Expires" in cookies[1]
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    assert kept.get_cookie("remember_token") is None


def test_a_session_does_not_outlive_its_row(app: Flask, people: People, clock: Clock) -> None:
    plain, kept = app.test_client(), app.test_client()
    attempt(plain, people.alice.email)
    attempt(kept, people.alice.email, keep_signed_in="y")

    clock.advance(days=8)
    after_a_week = [one.get("/settings/security").status_code for one in (plain, kept)]
    clock.advance(days=23)
    after_a_month = kept.get("/settings/security").status_code

    assert after_a_week == [302, 200]
    assert after_a_month == 302


def test_the_person_goes_on_to_the_page_that_was_asked_for(client: Browser, people: People) -> None:
    asked = client.get("/settings/security")

    response = client.submit(asked.location, {"email": people.alice.email, "password": PASSWORD}, action="/login", follow=False)

    assert response.location == "/settings/security"


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_is_led_elsewhere(make_app: MakeApp, target: str) -> None:
    app = make_app({"limits.sign_in": "1000/minute"})
    client, alice = app.test_client(), people_of(app).alice
    assert isinstance(client, Browser)
    token = client.csrf("/login")
    data = {"csrf_token": token, "email": alice.email, "password": PASSWORD}

    by_query = client.post(f"/login?next={quote(target)}", data=data)
    by_form = client.post("/login", data=data | {"next": target})
    shown = client.get(f"/login?next={quote(target)}")

    assert {by_query.status_code, by_form.status_code} == {400}
    assert shown.location in ("/login", "/")


def test_guesses_at_one_password_are_counted_wherever_they_come_from(make_app: MakeApp) -> None:
    app = make_app({"limits.sign_in": "1000/minute"})
    alice = people_of(app).alice

    statuses = [guess(app, alice.email, f"10.0.{number}.1") for number in range(21)]
    spelled_otherwise = guess(app, "ALICE@ｅｘａｍｐｌｅ.org", "10.0.99.1")
    stranger = [guess(app, "nobody@example.org", f"10.1.{number}.1") for number in range(21)]

    assert statuses == [200] * 20 + [429]
    assert spelled_otherwise == 429
    assert stranger == statuses


def test_attempts_from_one_address_are_limited(make_app: MakeApp) -> None:
    app = make_app({"limits.sign_in": "3/minute"})

    statuses = [guess(app, f"person{number}@example.org", "10.0.0.1") for number in range(4)]

    assert statuses == [200, 200, 200, 429]


def test_a_password_of_megabytes_is_refused_unread(client: Browser, people: People) -> None:
    response = attempt(client, people.alice.email, "x" * 100_000)

    assert response.status_code == 413


def test_passwords_are_plain_argon2id_as_owasp_advises(people: People) -> None:
    stored = people.alice.password

    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    # Without a pepper: any argon2 can check it.
    assert PasswordHasher().verify(stored, PASSWORD)


def test_pages_around_signing_in_are_not_stored_by_browsers(client: Browser) -> None:
    assert client.get("/login").headers["Cache-Control"] == "no-store, private"


def test_json_is_no_way_in(client: Browser, people: People) -> None:
    token = client.csrf("/login")

    response = client.post("/login", json={"email": people.alice.email, "password": PASSWORD}, headers={"X-CSRFToken": token})

    assert response.status_code == 400
    assert client.get("/settings/security").status_code == 302


def test_no_token_in_a_header_or_query_signs_anybody_in(app: Flask, client: Browser, people: People) -> None:
    with app.test_request_context():
        token = people.alice.get_auth_token()

    # A page for everybody, which says whom it sees.
    by_header = client.get("/", headers={"Authentication-Token": token})
    by_query = client.get(f"/?auth_token={token}")

    assert by_header.status_code == by_query.status_code == 200
    assert "Sign out" not in by_header.text + by_query.text


def test_files_and_pages_for_guests_ask_the_database_nothing(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)
    asked = listen()

    client.get("/static/x/css/bundle.css")
    client.get("/healthz")
    browser(app).get("/login")

    assert asked == []


def test_an_error_page_for_a_person_asks_the_database_nothing(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)
    asked = listen()

    response = client.get("/nothing/here")

    assert response.status_code == 404
    assert asked == []


def test_a_page_for_a_person_loads_the_account_by_one_query(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)
    asked = listen()

    client.get("/settings/profile")

    assert len([one for one in asked if "FROM account" in one]) == 1


def test_a_copied_cookie_is_dead_after_signing_out(app: Flask, people: People) -> None:
    client, thief = sign_in(browser(app), people.alice), browser(app)
    cookie = client.get_cookie("candor")
    assert cookie is not None
    thief.set_cookie("candor", cookie.value)
    assert thief.get("/settings/security").status_code == 200

    client.post("/logout", data={"csrf_token": client.csrf("/settings/profile")})

    assert thief.get("/settings/security").status_code == 302


def test_signing_out_leaves_no_cookie(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)

    client.post("/logout", data={"csrf_token": client.csrf("/settings/profile")})

    assert client.get_cookie("candor") is None


def test_nobody_is_signed_out_by_a_link_or_another_site(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)

    statuses = [client.get("/logout").status_code, client.post("/logout").status_code]

    assert statuses == [405, 400]
    assert client.get("/settings/security").status_code == 200


def attempt(client: Any, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.submit("/login", {"email": email, "password": password} | more, action="/login", follow=False)


def guess(app: Flask, email: str, address: str) -> int:
    client = browser(app)
    data = {"csrf_token": client.csrf("/login"), "email": email, "password": "wrong password"}
    status: int = client.post("/login", data=data, environ_base={"REMOTE_ADDR": address}).status_code
    return status


def browser(app: Flask) -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    return opened


def people_of(app: Flask) -> People:
    with app.app_context():
        return People(current_site().keyring)


def without_token(html: str) -> str:
    return re.sub(r'(name="csrf_token"[^>]*value=")[^"]+|nonce-[\w-]+|value="ali[^"]*"', "", html)


def listen() -> list[str]:
    """Return a list that grows with each statement sent to the database."""
    db.session.rollback()
    asked: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda _c, _u, statement, *_more: asked.append(statement))
    return asked
