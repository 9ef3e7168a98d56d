"""The policy's page and its JSON: every promise in words, with what its last check found and when."""

from flask import Flask

from chat.kernel.db import db
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site
from chat.policy import reports
from chat.policy.document import policy_document, policy_hash
from chat.policy.promise import State
from chat.policy.promises.every import PROMISES
from chat.policy.reports import Result
from tests.browser import Browser
from tests.conftest import Clock, MakeApp


def test_what_was_never_checked_says_so(client: Browser) -> None:
    page = client.page("/privacy")

    assert "These promises have not been checked yet." in page.text
    assert "Not checked yet" in page.by_id("store-default").text


def test_each_promise_shows_its_state_and_when_it_was_checked(client: Browser, clock: Clock) -> None:
    _found(
        clock, Result("store-default", State.KEPT, "Nothing was found."), Result("sec-abuse", State.FAILING, "No limit held.")
    )

    page = client.page("/privacy")

    kept, failing = page.by_id("store-default"), page.by_id("sec-abuse")
    assert "promise--kept" in kept.get("class")
    assert "Nothing was found." in kept.text
    assert "promise--failing" in failing.get("class")
    assert "No limit held." in failing.text
    assert f"{clock.now:%H:%M}" in failing.text
    assert "1 promise is not kept" in page.text


def test_the_newest_word_counts_for_each_promise(client: Browser, clock: Clock) -> None:
    _found(clock, Result("store-default", State.FAILING, "It was found."), Result("sec-abuse", State.KEPT, "A limit held."))
    clock.advance(hours=1)
    _found(clock, Result("store-default", State.KEPT, "Nothing was found."))

    page = client.page("/privacy")

    assert "promise--kept" in page.by_id("store-default").get("class")
    assert "promise--kept" in page.by_id("sec-abuse").get("class")


def test_what_is_not_offered_is_not_shown_as_a_promise(make_app: MakeApp) -> None:
    client = make_app({"features.history": False, "consents.offered": []}).test_client()

    page = client.page("/privacy")  # type: ignore[attr-defined]  # the app's clients are Browsers

    assert "store-optin" not in {one.get("id") for one in page.all("li")}
    assert "This site keeps no conversations for anybody." in page.text


def test_programs_get_the_same_and_the_version(client: Browser, clock: Clock) -> None:
    _found(clock, Result("store-default", State.KEPT, "Nothing was found."))

    data = client.get("/privacy.json").get_json()

    found = {one["id"]: one for section in data["promises"] for one in section["promises"]}
    assert set(found) == {one.id for one in PROMISES}
    assert found["store-default"]["state"] == "kept"
    assert found["store-default"]["checked_at"] == clock.now.isoformat()
    assert found["sec-abuse"]["state"] == "unchecked"
    assert found["cap-pay"]["state"] == "not_offered"
    assert data["version"] in client.get("/privacy").text


def test_a_check_changes_no_version(client: Browser, clock: Clock) -> None:
    before = client.get("/privacy.json").get_json()["version"]
    _found(clock, Result("store-default", State.FAILING, "It was found."))

    assert client.get("/privacy.json").get_json()["version"] == before


def test_every_value_of_the_policy_is_in_its_version(app: Flask) -> None:
    profile = current_site().profile
    changed = profile.model_copy(update={"law": profile.law.model_copy(update={"minimum_age": 16})})

    assert policy_hash(policy_document(profile, current_stores(), ())) != policy_hash(
        policy_document(changed, current_stores(), ())
    )


def _found(clock: Clock, *results: Result) -> None:
    reports.keep(results, "0" * 64, clock.now)
    db.session.commit()
