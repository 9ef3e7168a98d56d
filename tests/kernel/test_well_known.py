"""What programs look for at fixed addresses."""

from datetime import UTC, datetime, timedelta

from tests.browser import Browser
from tests.conftest import Clock, MakeApp


def test_weaknesses_can_be_reported(client: Browser, clock: Clock) -> None:
    answer = client.get("/.well-known/security.txt")

    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert answer.content_type == "text/plain; charset=utf-8"
    assert fields["Contact"] == "mailto:security@localhost.localdomain"
    assert fields["Preferred-Languages"] == "en"
    assert "Canonical" not in fields
    assert timedelta(days=30) < expires - clock.now < timedelta(days=365)


def test_a_public_site_says_where_its_file_is_true(make_app: MakeApp) -> None:
    client = make_app(chat_public_url="https://chat.example.org").test_client()

    answer = client.get("/.well-known/security.txt", headers={"Host": "chat.example.org"})

    assert "Canonical: https://chat.example.org/.well-known/security.txt\n" in answer.text


def test_who_names_nobody_has_no_such_file(make_app: MakeApp) -> None:
    client = make_app({"site.security_contact": ""}).test_client()

    assert client.get("/.well-known/security.txt").status_code == 404


def test_the_site_says_that_it_abides_by_the_privacy_signal(client: Browser) -> None:
    answer = client.get("/.well-known/gpc.json")

    assert answer.mimetype == "application/json"
    assert answer.get_json() == {"gpc": True, "lastUpdate": "2026-11-21"}
    assert "Set-Cookie" not in answer.headers
