"""A receipt says "nothing stored" exactly when the sweep finds nothing: both look at the same exchange."""

import json
from typing import Any

import pytest

from chat.policy.sweep import Canary, Hit
from tests.browser import Page
from tests.servers import Server
from tests.sweep.conftest import Swept
from tests.sweep.visitor import Visitor

pytestmark = pytest.mark.server


def test_with_history_off_the_receipt_and_the_sweep_find_nothing(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    page = visitor.open()

    page = visitor.send(f"{canary} and nothing else", "ok")

    _agree(_receipt(visitor, page), [], swept(canary))
    visitor.close()


def test_with_history_on_the_receipt_names_the_rows_and_they_are_there_sealed(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    visitor.register(f"person-{canary.word[-8:]}")
    visitor.keep_history()
    visitor.open()

    page = visitor.send(f"{canary} to be kept", "ok")

    saved = visitor.http.get(f"/c/{visitor.fields['conversation']}").text
    receipt = _receipt(visitor, page)
    _agree(receipt, [str(canary)] if str(canary) in saved else [], swept(canary))
    assert receipt["stored"]["tables"]["turn"]["until"] > receipt["issued_at"]
    visitor.close()


def test_a_leak_makes_them_disagree(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    visitor.open()
    page = visitor.send(f"{canary} is planted", "ok")
    receipt = _receipt(visitor, page)

    leak = server.instance / "planted.log"
    leak.write_text(f"somebody said {canary}", encoding="utf-8")
    try:
        with pytest.raises(AssertionError):
            _agree(receipt, [], swept(canary))
    finally:
        leak.unlink()
    visitor.close()


def test_a_receipt_that_claims_to_have_stored_nothing_is_found_out(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    visitor.register(f"person-{canary.word[-8:]}")
    visitor.keep_history()
    visitor.open()
    page = visitor.send(f"{canary} to be denied", "ok")

    lie = _receipt(visitor, page) | {"stored": {"rows": 0, "tables": {}}}

    with pytest.raises(AssertionError):
        _agree(lie, [str(canary)], swept(canary))
    visitor.close()


def _agree(receipt: dict[str, Any], opened: list[str], hits: list[Hit]) -> None:
    """Fail unless the receipt says what is there: rows that open for their owner, and no readable byte in either case."""
    assert (receipt["stored"]["rows"] == 0) == (not opened)
    assert not [str(one) for one in hits]


def _receipt(visitor: Visitor, page: Page) -> dict[str, Any]:
    turn = [one.get("data-turn") for one in page.all("article") if one.get("data-turn")][-1]
    response = visitor.http.post("/chat/receipt/0", data=visitor.fields | {"turn": turn})
    receipt: dict[str, Any] = json.loads(response.text)
    return receipt
