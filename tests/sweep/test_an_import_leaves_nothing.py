"""An upload that is looked at and left leaves no byte; one that is taken is unreadable in the files."""

import json

import pytest

from chat.policy.sweep import Canary, watching
from tests.browser import Page, form_data
from tests.servers import Server
from tests.sweep.conftest import Swept
from tests.sweep.visitor import Upload, Visitor

pytestmark = pytest.mark.server


def _file(canary: Canary) -> bytes:
    message = {"uuid": "m", "sender": "human", "text": f"{canary} said", "content": [], "created_at": "2026-03-01T10:00:01Z"}
    long = [{**message, "uuid": f"m{number}", "text": f"{canary} and on " * 500} for number in range(300)]
    return json.dumps([{"uuid": str(canary), "name": f"About {canary}", "chat_messages": [message, *long]}]).encode()


@pytest.mark.parametrize("taken", [False, True])
def test_a_file_to_import(server: Server, swept: Swept, taken: bool) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    visitor.register(f"person-{Canary().word[-8:]}")
    page = Page(visitor.http.get("/settings/import").text)

    with watching(server, canary, server.temp, server.folder / "cwd") as hits:
        answer = visitor.upload(
            "/settings/import/preview", page.form("/settings/import"), Upload("x.json", _file(canary), "application/json")
        )
        assert str(canary) in answer.text
        if taken:
            form = Page(answer.text).form("/settings/import")
            done = visitor.http.post("/settings/import", data=form_data(form))
            assert "1 conversation was imported" in Page(done.text).text
            assert str(canary) in visitor.http.get("/history").text

    assert not [str(one) for one in [*hits, *swept(canary), *canary.find_in(visitor.cookies, "cookies")]]
    visitor.close()
