"""What people may add to their profile: only where the site has room for it, never asked at registration, always removable."""

import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.details import read_details
from chat.accounts.models import Account, ProfileDetail
from chat.accounts.personal_data import STORES
from chat.kernel.db import Base, db
from chat.kernel.personal_data import delete_owned
from chat.kernel.profile import ProfileField
from chat.kernel.site import current_site
from tests.browser import Browser
from tests.conftest import Clock, MakeApp
from tests.people import People, sign_in

ROOM = {"collect.profile_fields": ["company", "website"]}


@pytest.fixture
def alice(roomy_app: Flask) -> Account:
    return People(current_site().keyring).alice


@pytest.fixture
def hers(roomy_app: Flask, alice: Account) -> Browser:
    opened = roomy_app.test_client()
    assert isinstance(opened, Browser)
    return sign_in(opened, alice)


def test_what_is_written_is_kept_and_shown(hers: Browser, alice: Account, clock: Clock) -> None:
    answer = hers.submit("/settings/profile", {"company": "  Alice  & Co ", "website": "https://alice.example"})

    assert "Your profile is saved." in answer.text
    assert read_details(alice) == {ProfileField.COMPANY: "Alice & Co", ProfileField.WEBSITE: "https://alice.example"}
    assert hers.page("/settings/profile").by_id("company").get("value") == "Alice & Co"
    assert db.session.scalars(sa.select(ProfileDetail.written_at).distinct()).all() == [clock.now]


def test_it_can_be_corrected_and_emptied(hers: Browser, alice: Account) -> None:
    hers.submit("/settings/profile", {"company": "Alice & Co", "website": "https://alice.example"})

    hers.submit("/settings/profile", {"company": "Bob & Co", "website": ""})

    assert read_details(alice) == {ProfileField.COMPANY: "Bob & Co"}


def test_nothing_is_stored_for_who_fills_in_nothing(hers: Browser) -> None:
    hers.submit("/settings/profile", {"display_name": "Alice B."})

    assert db.session.scalar(sa.select(sa.func.count()).select_from(ProfileDetail)) == 0


@pytest.mark.parametrize("website", ["alice", "javascript:alert(1)", "ftp://alice.example", "https://"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_website_is_an_address_of_the_web(hers: Browser, alice: Account, website: str) -> None:
    answer = hers.submit("/settings/profile", {"company": "Kept in the form", "website": website})

    assert "Write an address like https://example.org." in answer.text
    assert "Kept in the form" in answer.text
    assert read_details(alice) == {}


def test_a_field_that_the_site_has_no_room_for_is_not_taken(hers: Browser, alice: Account) -> None:
    hers.post("/settings/profile", data={"csrf_token": hers.csrf(), "display_name": "Alice", "job_title": "Baker"})

    assert read_details(alice) == {}


def test_what_the_site_no_longer_asks_for_can_still_be_removed(make_app: MakeApp) -> None:
    app = make_app()
    alice = People(current_site().keyring).alice
    db.session.add(ProfileDetail(account_id=alice.id, field="company", value="Old & Co", written_at=alice.created_at))
    db.session.commit()
    opened = app.test_client()
    assert isinstance(opened, Browser)

    sign_in(opened, alice).submit("/settings/profile", {"company": ""})

    assert read_details(alice) == {}
    assert not [one for one in opened.page("/settings/profile").all("input") if one.get("name") == "company"]


def test_it_is_exported_and_goes_with_the_account(hers: Browser, alice: Account) -> None:
    hers.submit("/settings/profile", {"company": "Alice & Co"})
    (store,) = (one for one in STORES if one.model is ProfileDetail)

    assert {"field", "value"} <= set(store.exported)
    assert delete_owned(store, alice.id) == 1


def test_the_account_tables_hold_no_other_personal_column() -> None:
    """What an account may consist of; whoever adds a column here has to add it to the promise too."""
    columns = {name: set(Base.metadata.tables[name].columns.keys()) for name in ("account", "profile_detail")}

    assert columns["account"] == {
        "id", "public_id", "email", "display_name", "password", "active", "is_operator", "confirmed_at", "created_at",
        "fs_uniquifier", "frozen_at", "closing_at",
    }  # fmt: skip
    assert columns["profile_detail"] == {"id", "account_id", "field", "value", "written_at"}


@pytest.fixture
def roomy_app(make_app: MakeApp) -> Flask:
    return make_app(ROOM)
