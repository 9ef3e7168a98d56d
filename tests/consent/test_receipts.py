"""Receipts: in the shape of ISO/IEC TS 27560, signed, and checked by a program that asks nobody."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.accounts.models import Account
from chat.consent import ledger, receipts
from chat.consent.check_ledger import main
from chat.consent.ledger import Source
from chat.consent.models import ConsentEntry
from chat.consent.purposes import WORDINGS, Interest, Purpose
from chat.consent.records import Circumstances
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.personal_data import current_stores
from chat.kernel.site import Site
from tests.browser import Browser
from tests.chatting import turn_history_on
from tests.people import People, sign_in

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_the_whole_ledger_is_one_signed_file_that_checks(client: Browser, people: People, tmp_path: Path) -> None:
    _agree_and_withdraw(client, people)

    answer = client.get("/settings/privacy/consents.json")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="consents.json"'
    assert "no-store" in answer.headers["Cache-Control"]
    code, said = _check(client, tmp_path, answer.get_json())
    assert (code, said) == (0, "Whole: 2 entries, each following the one before it, up to the signed head.\n")


def test_a_receipt_has_the_fields_of_the_standard(client: Browser, people: People, tmp_path: Path) -> None:
    _agree_and_withdraw(client, people)

    receipt = client.get("/settings/privacy/consents/1.json").get_json()

    assert receipt["schema_version"] == "ISO/IEC TS 27560:2023"
    (record,) = receipt["content"]
    assert set(record) == {"record", "pii_processing", "party_identification", "event"}
    assert record["record"]["pii_principal_id"] == people.alice.public_id
    (purpose,) = record["pii_processing"]["purposes"]
    assert purpose["purpose"] == WORDINGS[Purpose.HISTORY].title
    assert purpose["lawful_basis"] == "consent"
    assert any("what you and the model wrote" in one["pii_type"] for one in purpose["pii_information"])
    assert purpose["withdrawal_method"].endswith("/settings/privacy")
    (controller,) = record["party_identification"]
    assert controller["party_name"] == "The operator of this site"
    (event,) = record["event"]
    assert (event["event_state"], event["event_type"]) == ("ConsentGiven", "explicit")
    assert event["consent_notice"][1] == WORDINGS[Purpose.HISTORY].does
    assert people.alice.email not in json.dumps(receipt)
    assert people.alice.display_name not in json.dumps(receipt)
    assert _check(client, tmp_path, receipt) == (0, "Authentic: a receipt for entry 1 of 2.\n")


def test_the_events_tell_the_whole_story(client: Browser, people: People) -> None:
    _agree_and_withdraw(client, people)
    turn_history_on(client)
    client.submit("/settings/privacy", action="/statistics/object")

    whole = client.get("/settings/privacy/consents.json").get_json()

    states = {one["record"]["record_id"]: [event["event_state"] for event in one["event"]] for one in whole["content"]}
    assert list(states.values()) == [["ConsentGiven", "ConsentWithdrawn", "ConsentGiven"], ["objection"]]


def test_one_gets_only_ones_own_receipts(client: Browser, people: People) -> None:
    _agree_and_withdraw(client, people)
    other = client.application.test_client()
    assert isinstance(other, Browser)
    sign_in(other, people.bob)

    assert other.get("/settings/privacy/consents/1.json").status_code == 404
    assert other.get("/settings/privacy/consents.json").get_json()["entries"] == []


@on_sqlite
@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["entries"][0].update(given=False),
        lambda one: one["entries"].pop(0),
        lambda one: one["entries"].reverse(),
        lambda one: one["entries"].pop(),
        lambda one: one["content"].clear(),
        lambda one: one["head"].update(sequence=1),
        lambda one: one.update(account="somebody-else"),
        lambda one: one.pop("proof"),
    ],
)
def test_a_changed_file_does_not_check(
    client: Browser, people: People, tmp_path: Path, change: Callable[[Any], object]
) -> None:
    _agree_and_withdraw(client, people)
    document = client.get("/settings/privacy/consents.json").get_json()

    change(document)

    assert _check(client, tmp_path, document)[0] == 1


@on_sqlite
def test_what_the_site_itself_cut_off_shows_against_a_kept_file(client: Browser, people: People, tmp_path: Path) -> None:
    _agree_and_withdraw(client, people)
    kept = [client.get(f"/settings/privacy/{name}").get_json() for name in ("consents.json", "consents/2.json")]
    kept.append(kept[0]["head"])
    db.session.query(ConsentEntry).filter_by(sequence=2).delete()
    db.session.commit()

    cut = client.get("/settings/privacy/consents.json").get_json()

    assert _check(client, tmp_path, cut)[0] == 0
    for one in kept:
        assert _check(client, tmp_path, cut, against=one) == (
            1,
            "Broken: entry 2 is missing: the chain was longer when the head was signed.\n",
        )


@on_sqlite
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(st.tuples(st.sampled_from(["history", "improvement", "statistics"]), st.booleans()), max_size=10),
    keep=st.integers(0, 10),
    cut=st.integers(0, 10),
)
def test_every_history_checks_and_every_cut_shows(
    site: Site, people: People, tmp_path: Path, acts: list[tuple[str, bool]], keep: int, cut: int
) -> None:
    db.session.query(ConsentEntry).delete()
    for name, yes in acts:
        _act(people.alice, name, yes)
    entries = list(ledger.list_entries(people.alice))
    keep, cut = min(keep, len(entries)), min(cut, len(entries))

    whole = _ledger(people.alice, entries, site)
    earlier = _ledger(people.alice, entries[:keep], site)
    later = _ledger(people.alice, entries[:cut], site)

    public = {"keys": site.signing.public()}
    assert _run(tmp_path, whole, public, earlier)[0] == 0
    assert _run(tmp_path, later, public, earlier)[0] == (0 if cut >= keep else 1)


@on_sqlite
def test_a_ledger_written_anew_by_the_site_shows_against_a_kept_head(site: Site, people: People, tmp_path: Path) -> None:
    _act(people.alice, "history", yes=True)
    kept = receipts.head_of(people.alice, ledger.list_entries(people.alice), site.signing, clock.now())
    db.session.query(ConsentEntry).delete()
    _act(people.alice, "improvement", yes=True)
    _act(people.alice, "history", yes=True)

    forged = _ledger(people.alice, list(ledger.list_entries(people.alice)), site)

    code, said = _run(tmp_path, forged, {"keys": site.signing.public()}, kept)
    assert (code, said) == (1, "Broken: entry 1 is not the one that was there when the head was signed.\n")


@on_sqlite
def test_a_chain_broken_before_it_was_signed_does_not_check(site: Site, people: People, tmp_path: Path) -> None:
    for yes in (True, False, True):
        _act(people.alice, "history", yes)
    document = deepcopy(_ledger(people.alice, list(ledger.list_entries(people.alice)), site))
    document["entries"][1]["source"] = "somewhere"

    code, said = _run(tmp_path, site.signing.sign(document), {"keys": site.signing.public()})

    assert (code, said) == (1, "Broken: entry 2 was changed.\n")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": 3}', '{"type": "candor-consent-ledger"}', "\x00"])
def test_what_is_no_such_file_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    (tmp_path / "keys").write_text('{"keys": {}}')

    result = CliRunner().invoke(main, [str(tmp_path / "file"), "--keys", str(tmp_path / "keys")])

    assert result.exit_code in (1, 2)
    assert result.output.startswith("Broken: ")


def _agree_and_withdraw(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    client.submit("/settings/privacy", action="/history/withdraw")


def _act(account: Account, name: str, yes: bool) -> None:
    match name, yes:
        case "statistics", True:
            ledger.take_back(account, Interest.STATISTICS, clock.now())
        case "statistics", False:
            ledger.object_to(account, Interest.STATISTICS, Source.OBJECTION, clock.now())
        case _, True:
            ledger.give(account, Purpose(name), Source.SETTINGS, clock.now())
        case _:
            ledger.withdraw(account, Purpose(name), Source.SETTINGS, clock.now())


def _ledger(account: Account, entries: list[ConsentEntry], site: Site) -> dict[str, Any]:
    around = Circumstances(profile=site.profile, url="https://chat.example.org", stores=current_stores())
    return receipts.ledger_of(account, entries, around, site.signing, clock.now())


def _check(client: Browser, folder: Path, document: Any, against: Any = None) -> tuple[int, str]:
    return _run(folder, document, client.get("/.well-known/candor-keys.json").get_json(), against)


def _run(folder: Path, document: Any, keys: Any, against: Any = None) -> tuple[int, str]:
    for name, content in (("file", document), ("keys", keys), ("against", against)):
        (folder / name).write_text(json.dumps(content))
    more = ["--against", str(folder / "against")] if against is not None else []
    result = CliRunner().invoke(main, [str(folder / "file"), "--keys", str(folder / "keys"), *more])
    return result.exit_code, result.output
