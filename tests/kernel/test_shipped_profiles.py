"""The services' profiles: each starts, shows itself, and says what its service has published."""

from pathlib import Path

import pytest

from chat.kernel.profile import BUILT_FEATURES, PROFILES, Profile, load_profile
from chat.kernel.site import current_site
from tests.browser import Browser
from tests.conftest import MakeApp
from tests.people import People, sign_in

NAMES = sorted(path.stem for path in PROFILES.glob("*.toml"))
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
each_profile = pytest.mark.parametrize("name", NAMES)


def test_all_six_are_here() -> None:
    assert NAMES == ["default", "flowapi", "lumees", "lumio", "lumyx", "lunos"]


@each_profile
@on_sqlite
def test_each_starts_and_shows_itself(make_app: MakeApp, name: str) -> None:
    app = make_app(chat_profile=name)
    profile, visitor = current_site().profile, _browser(app)

    assert profile.site.name in visitor.page("/").first("title").text
    assert profile.site.tagline in visitor.page("/").text
    assert f"at least {profile.law.minimum_age} years old" in visitor.page("/register").text
    assert profile.law.controller.name in visitor.page("/privacy").text
    assert profile.notices.sensitive_data in visitor.page("/").first("main").text
    assert visitor.page("/providers").heading


@each_profile
@on_sqlite
def test_a_person_is_asked_for_what_the_profile_says_and_no_more(make_app: MakeApp, name: str) -> None:
    app = make_app(chat_profile=name)
    profile = current_site().profile
    registration = _browser(app).page("/register").form("/register")
    person = sign_in(_browser(app), People(current_site().keyring).alice)

    fields = {one.get("name") for one in person.page("/settings/profile").form().all("input")}
    switches = [one.get("id") for one in person.page("/settings/privacy").with_class("switch__title")]
    purposes = [one.removeprefix("purpose-") for one in switches if not one.startswith("objection-")]

    shown = {one.get("name") for one in registration.all("input") if one.get("type") not in ("hidden", "submit")}
    assert shown == {"email", "display_name", "password", "is_old_enough"}
    assert fields == {"csrf_token", "display_name", "submit", *profile.collect.profile_fields}
    assert set(purposes) <= set(profile.consents.offered)
    assert ("history" in purposes) == profile.features.history


@each_profile
@on_sqlite
def test_what_is_not_built_is_not_shown(make_app: MakeApp, name: str) -> None:
    app = make_app(chat_profile=name)
    person = sign_in(_browser(app), People(current_site().keyring).alice)
    words = " ".join(
        [_browser(app).page(path).text for path in ("/", "/login", "/register")]
        + [person.page(path).text for path in ("/", "/settings/profile", "/settings/security")]
    )

    for way in ("Google", "GitHub", "passkey", "NabzClan", "credits", "organization"):
        assert way.lower() not in words.lower().replace("credits in, answers out", "")


def test_what_the_services_have_published_stands_in_their_profiles() -> None:
    every = {name: load_profile(name) for name in NAMES if name != "default"}

    assert {name: one.law.minimum_age for name, one in every.items() if one.law.minimum_age != 13} == {"flowapi": 16}
    assert every["lumyx"].cookies.kinds == ("essential",)
    assert every["lumyx"].sign_in.methods[0] == "oidc"
    assert {"google", "github"} <= set(every["flowapi"].sign_in.methods)
    assert every["lumees"].consents.offered[:3] == ("history", "improvement", "diagnostics")
    assert not every["lunos"].features.history
    assert every["lunos"].law.dpo
    assert (every["lumio"].retention.sessions, every["lumio"].retention.billing_years) == (90, 7)
    assert [name for name, one in every.items() if "product_updates" in one.consents.offered] == ["lumio", "lunos"]
    assert [name for name, one in every.items() if one.subprocessors] == ["flowapi", "lumio", "lunos"]
    assert all(every[name].law.authority for name in ("flowapi", "lumees", "lunos"))
    assert all(one.notices.material_change_days == 14 for one in every.values())


@each_profile
def test_a_provider_is_the_same_in_every_profile(name: str) -> None:
    """Where a provider's terms change, they change in every copy."""
    known = {provider.id: provider for provider in load_profile("default").providers}

    assert {one.id: one for one in load_profile(name).providers} == known


@each_profile
def test_no_address_of_a_stranger_stands_in_a_profile(name: str) -> None:
    law = load_profile(name).law
    emails = [one.email for one in (law.controller, law.authority, law.dpo) if one and one.email]

    assert all(email.endswith(".example") for email in emails)


def test_a_feature_that_is_not_built_is_not_offered() -> None:
    flowapi = load_profile("flowapi")

    assert flowapi.features.billing
    assert not flowapi.features.offers("billing")
    assert flowapi.features.offers("api")
    assert flowapi.features.offers("files")
    assert not load_profile("lunos").features.offers("history")
    assert set(Profile.model_fields["features"].annotation.model_fields) >= BUILT_FEATURES  # type: ignore[union-attr]


@on_sqlite
def test_a_site_whose_ways_to_sign_in_are_not_built_says_so(make_app: MakeApp) -> None:
    visitor = _browser(make_app({"sign_in.methods": ["oidc"], "sign_in.guests": True}))

    assert visitor.get("/").status_code == 200
    assert visitor.get("/register").status_code == 404
    answer = visitor.get("/login")
    assert answer.status_code == 403
    assert "Nobody can sign in here yet" in answer.text


@on_sqlite
def test_guests_are_told_to_sign_in_where_they_may_not_chat(make_app: MakeApp) -> None:
    app = make_app({"sign_in.guests": False})

    visitor = _browser(app)

    assert "Please sign in to chat on this site." in visitor.page("/").first("main").text
    person = sign_in(visitor, People(current_site().keyring).alice)
    assert "Please sign in" not in person.page("/").text


def test_every_value_can_be_changed_in_a_copied_file(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    words = (PROFILES / "lumio.toml").read_text(encoding="utf-8")
    copy.write_text(words.replace("minimum_age = 13", "minimum_age = 18").replace('"Lumio"', '"Mine"'), encoding="utf-8")

    mine = load_profile(str(copy))

    assert (mine.site.name, mine.law.minimum_age) == ("Mine", 18)


def _browser(app: object) -> Browser:
    opened = app.test_client()  # type: ignore[attr-defined]
    assert isinstance(opened, Browser)
    return opened
