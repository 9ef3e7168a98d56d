"""Where a person is signed in."""

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.devices import name_of
from chat.accounts.models import Device
from chat.kernel.db import db
from chat.kernel.site import current_site
from chat.retention.jobs import purge
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import PASSWORD, People, sign_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
AGENTS = {
    FIREFOX: "Firefox on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 "
    "Edg/142.0.0.0": "Edge on Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15":
    "Safari on macOS",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":
    "Chrome on Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 "
    "Mobile/15E148 Safari/604.1": "Safari on iPhone",
    "": "A browser on an unknown system",
    "<script>": "A browser on an unknown system",
}  # fmt: skip


@pytest.mark.parametrize(("agent", "name"), AGENTS.items())
def test_a_device_is_named_without_version_or_model(agent: str, name: str) -> None:
    assert name_of(agent) == name


def test_a_person_sees_each_device_and_which_one_is_this(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)
    sign_in(browser(app, FIREFOX), people.alice)

    text = client.page("/settings/security").first("main").text

    assert "Firefox on Linux" in text
    assert text.count("this device") == 1


def test_a_device_that_was_ended_is_signed_out_at_once_and_the_others_stay(app: Flask, people: People) -> None:
    client, other, third = (sign_in(browser(app, FIREFOX if one else ""), people.alice) for one in range(3))
    page = client.page("/settings/security")
    actions = [form.get("action") for form in page.all("form") if form.get("action").endswith("/end")]

    client.submit("/settings/security", action=actions[-1])

    assert sorted(one.get("/settings/security").status_code for one in (other, third)) == [200, 302]
    assert client.get("/settings/security").status_code == 200


def test_all_other_devices_end_together(app: Flask, people: People) -> None:
    client, other, third = (sign_in(browser(app), people.alice) for _one in range(3))

    client.submit("/settings/security", action="end-others")

    assert [one.get("/settings/security").status_code for one in (client, other, third)] == [200, 302, 302]


def test_nobody_ends_the_device_of_somebody_else(app: Flask, people: People) -> None:
    alice, bob = sign_in(browser(app), people.alice), sign_in(browser(app), people.bob)
    device = db.session.scalar(sa.select(Device.public_id).where(Device.account_id == people.alice.id))

    response = bob.post(f"/settings/security/devices/{device}/end", data={"csrf_token": bob.csrf("/settings/profile")})

    assert response.status_code == 404
    assert alice.get("/settings/security").status_code == 200


def test_a_session_without_its_device_is_nobodys(app: Flask, people: People) -> None:
    client = sign_in(browser(app), people.alice)
    with client.session_transaction() as session:
        del session["device"]

    assert client.get("/settings/security").status_code == 302


def test_the_day_of_last_use_is_written_and_nothing_finer(app: Flask, people: People, clock: Clock) -> None:
    client = sign_in(browser(app), people.alice)
    signed_in = clock.now

    clock.advance(days=1)
    client.get("/settings/profile")

    db.session.rollback()
    device = db.session.scalars(sa.select(Device)).one()
    assert device.signed_in_at == signed_in
    assert device.last_used_on == clock.now.date()


@pytest.mark.parametrize(("keep", "kept"), [("none", None), ("truncated", "198.51.100.0/24"), ("full", "198.51.100.77")])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_of_the_address_as_much_is_written_as_the_profile_says(make_app: MakeApp, keep: str, kept: str | None) -> None:
    app = make_app({"collect.address": keep})
    alice = People(current_site().keyring).alice
    client = browser(app)
    data = {"csrf_token": client.csrf("/login"), "email": alice.email, "password": PASSWORD}

    client.post("/login", data=data, environ_base={"REMOTE_ADDR": "198.51.100.77"})

    assert db.session.scalars(sa.select(Device.address)).all() == [kept]


@pytest.mark.parametrize(
    ("is_on", "header", "told", "kept"),
    [
        (True, "CF-IPCountry", "is", "IS"),
        (True, "CF-IPCountry", "XX", None),
        (True, "CF-IPCountry", "T1", None),
        (True, "CF-IPCountry", "Iceland", None),
        (True, None, "IS", None),
        (False, "CF-IPCountry", "IS", None),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_country_is_written_only_where_the_profile_says_so_and_the_proxy_tells_it(
    make_app: MakeApp, is_on: bool, header: str | None, told: str, kept: str | None
) -> None:
    app = make_app({"collect.country": is_on}, chat_proxies=1, chat_country_header=header)
    client = browser(app)
    client.environ_base["HTTP_CF_IPCOUNTRY"] = told

    sign_in(client, People(current_site().keyring).alice)

    assert db.session.scalars(sa.select(Device.country)).all() == [kept]
    assert ("about Iceland" in client.page("/settings/security").text) is (kept == "IS")


def test_ended_sign_ins_are_deleted(app: Flask, people: People, clock: Clock) -> None:
    sign_in(browser(app), people.alice)
    clock.advance(days=8)
    sign_in(browser(app), people.alice)

    deleted = purge()

    assert deleted == 1
    assert len(db.session.scalars(sa.select(Device)).all()) == 1


def browser(app: Flask, agent: str = "") -> Browser:
    opened = app.test_client()
    assert isinstance(opened, Browser)
    if agent:
        opened.environ_base["HTTP_USER_AGENT"] = agent
    return opened
