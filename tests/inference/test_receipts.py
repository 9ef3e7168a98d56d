"""Data receipts as documents: what they state, that nothing of the content is in them, and that a change shows."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from chat.inference import receipts
from chat.inference.receipts import NOTHING, Draft, Stored, amended, summary
from chat.kernel.signing import NotAuthentic, check
from chat.kernel.site import current_site
from chat.metering.ledger import Measure, Source, Status
from chat.metering.models import Usage
from chat.providers.base import Image, Message, Request, Role, Text
from chat.providers.current import current_catalogue

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
WORDS = "the canary sings at dawn"
MEASURE = Measure(
    status=Status.DONE,
    code=None,
    input_bytes=24,
    output_bytes=13,
    input_estimate=6,
    input_tokens=9,
    output_tokens=4,
    first_token_ms=5,
    total_ms=40,
)


def test_a_receipt_says_where_it_went_and_on_which_terms(app: Flask) -> None:
    receipt = _draft(app).complete(MEASURE, NOTHING, NOW)

    assert receipt["provider"] == {
        "id": "fake",
        "name": "Fake",
        "host": "127.0.0.1",
        "region": "this machine",
        "retention_days": 0,
        "trains": False,
        "terms": None,
        "checked": "2026-11-21",
    }
    assert (receipt["outcome"], receipt["received"]) == ("done", {"bytes": 13})
    assert receipt["sent"] == {"bytes": len(WORDS) + len("Be brief.") + 3, "messages": 1, "pictures": 1}
    assert receipt["stored"] == {"rows": 0, "tables": {}}


def test_what_is_logged_are_the_columns_of_the_usage_row_for_as_long_as_it_lives(app: Flask) -> None:
    logged = _draft(app).document["logged"]

    days = current_site().profile.retention.request_logs
    assert set(logged["columns"]) == {column.key for column in Usage.__table__.columns} - {"id", "account_id"}
    assert datetime.fromisoformat(logged["until"]) == NOW + timedelta(days=days)
    assert logged["with_account"] is False


def test_a_receipt_holds_no_word_of_what_was_said(app: Flask) -> None:
    assert "canary" not in json.dumps(_draft(app).complete(MEASURE, NOTHING, NOW))


def test_a_receipt_is_checked_without_the_site_and_a_change_shows(app: Flask) -> None:
    receipt = _draft(app).complete(MEASURE, Stored({"turn": (2, NOW)}), NOW)
    keys = current_site().signing.public()

    assert check(json.loads(json.dumps(receipt)), keys) == receipt["proof"]["key"]
    for changed in (receipt | {"stored": {"rows": 0, "tables": {}}}, receipt | {"sent": receipt["sent"] | {"bytes": 1}}):
        with pytest.raises(NotAuthentic):
            check(changed, keys)


def test_a_receipt_follows_what_is_stored_and_is_signed_anew(app: Flask) -> None:
    draft, later = _draft(app), NOW + timedelta(days=1)
    receipt = draft.complete(MEASURE, NOTHING, NOW)
    stored = Stored({"conversation": (1, later), "turn": (2, later)})

    kept = amended(receipt, stored, NOW + timedelta(hours=1), draft.notary)
    gone = amended(kept, NOTHING, NOW + timedelta(hours=2), draft.notary)

    assert kept["stored"]["rows"] == 3
    assert kept["stored"]["tables"]["turn"] == {"rows": 2, "until": "2026-11-26T09:00:00Z"}
    assert gone["stored"] == {"rows": 0, "tables": {}}
    assert amended(gone, NOTHING, later, draft.notary) is gone
    assert all(check(one, current_site().signing.public()) for one in (kept, gone))


def test_a_copy_of_a_failure_is_stated_until_its_time_is_up(app: Flask) -> None:
    draft = _draft(app)
    receipt = draft.complete(MEASURE, Stored({"failed_exchange": (1, NOW + timedelta(days=7))}), NOW)

    assert amended(receipt, NOTHING, NOW + timedelta(days=6), draft.notary)["stored"]["rows"] == 1
    assert amended(receipt, NOTHING, NOW + timedelta(days=8), draft.notary)["stored"]["rows"] == 0


def test_a_draft_is_signed_when_somebody_takes_it_away(app: Flask) -> None:
    draft = _draft(app)

    taken = amended(draft.document, NOTHING, NOW, draft.notary)

    assert (taken["outcome"], taken["received"]) == ("arriving", None)
    assert check(taken, current_site().signing.public())


def test_a_header_can_hold_the_sum_of_it(app: Flask) -> None:
    draft = _draft(app)
    named = replace(draft, document=draft.document | {"model": {"id": 'a"b\\c\r\nd', "name": "x"}})

    assert summary(named.document) == (
        'model="a\\"b\\\\c??d", provider="fake", host="127.0.0.1", region="this machine", '
        "retention-days=0, trains=?0, sent=36, stored=0"
    )


def _draft(app: Flask) -> Draft:
    """A question with a picture, about to be asked."""
    model = current_catalogue().find_model("sees")
    assert model is not None
    said = Message(Role.USER, (Text(WORDS), Image("image/png", b"\x89PN")))
    request = Request("ok", (said,), system="Be brief.")
    return receipts.draft(
        model, request, Source.CHAT, subject="answer-1", has_account=False, notary=receipts.notary_of(current_site()), now=NOW
    )
