"""With history on, what is stored is there for its owner, and for nobody who reads the files."""

import pytest

from chat.policy.sweep import Canary, watching
from tests.servers import Server
from tests.sweep.conftest import Swept
from tests.sweep.visitor import Upload, Visitor

pytestmark = pytest.mark.server


def test_saved_conversations_are_unreadable_in_the_files(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), _keeping(server)

    with watching(server, canary, server.temp, server.folder / "cwd") as hits:
        notes = Upload(f"{canary}.txt", f"{canary} in a file".encode(), "text/plain")
        visitor.stream(f"{canary} first", "echo", files=(notes,), instructions=f"Answer like {canary}")
        visitor.stream(f"{canary} again", "ok")
        saved = visitor.fields["conversation"]
        visitor.open(f"/c/{saved}")
        visitor.send(f"{canary} without JavaScript", "ok")
        visitor.post(f"/c/{saved}/rename", title=f"About {canary}")
        found = visitor.post("/history/search", query=str(canary))

    assert str(canary) in visitor.open(f"/c/{saved}").text
    assert str(canary) in found.text
    assert not [str(one) for one in [*hits, *swept(canary), *canary.find_in(visitor.cookies, "cookies")]]
    visitor.close()


def test_failed_and_abandoned_answers_are_unreadable_too(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), _keeping(server)

    visitor.stream(f"{canary} and stop", "endless", stop_after=4)
    visitor.open()
    visitor.stream(f"{canary} and fail", "echo-500")
    visitor.open()
    visitor.stream(f"{canary} and cut", "cut")

    assert not [str(one) for one in swept(canary)]
    visitor.close()


def test_a_conversation_that_is_not_to_be_saved_is_not(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), _keeping(server)

    visitor.stream("A beginning that is saved", "ok")
    saved = visitor.fields["conversation"]
    visitor.open(f"/c/{saved}")
    visitor.press("/chat/dont-save")
    visitor.stream(f"{canary} off the record", "ok")

    assert "conversation" not in visitor.fields or not visitor.fields["conversation"]
    assert visitor.http.get(f"/c/{saved}").status_code == 404
    assert not [str(one) for one in swept(canary)]
    visitor.close()


def test_after_withdrawal_nothing_is_stored_any_more(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), _keeping(server)
    visitor.stream(f"{canary} while it was on", "ok")
    saved = visitor.fields["conversation"]

    visitor.post("/settings/privacy/history/withdraw")
    visitor.open()
    visitor.stream(f"{canary} after that", "ok")

    assert not visitor.fields.get("conversation")
    assert visitor.http.get(f"/c/{saved}").status_code == 404
    assert not [str(one) for one in swept(canary)]
    visitor.close()


def _keeping(server: Server) -> Visitor:
    """Somebody with an account who switched history on."""
    visitor = Visitor(server.url)
    visitor.register(f"person-{Canary().word[-8:]}")
    visitor.keep_history()
    visitor.open()
    return visitor
