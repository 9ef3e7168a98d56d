"""Taking a copy of one's data leaves no byte of it on the server: not while it is made, not after, not when it breaks off."""

import io
import zipfile

import pytest

from chat.policy.sweep import Canary, watching
from tests.browser import Page, form_data
from tests.servers import Server
from tests.sweep.conftest import Swept
from tests.sweep.visitor import Upload, Visitor

pytestmark = pytest.mark.server


def test_a_copy_is_made_in_the_stream_alone(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    visitor.register(f"person-{Canary().word[-8:]}")
    visitor.keep_history()
    visitor.open()
    notes = Upload(f"{canary}.txt", f"{canary} in a file\n".encode() * 3000, "text/plain")
    visitor.stream(f"{canary} first", "echo", files=(notes,), instructions=f"Answer like {canary}")
    form = Page(visitor.http.get("/settings/data/export").text).form("/settings/data/export")

    with watching(server, canary, server.temp, server.folder / "cwd") as hits:
        whole = visitor.http.post("/settings/data/export", data=form_data(form))
        with visitor.http.stream("POST", "/settings/data/export", data=form_data(form)) as left:
            next(left.iter_raw(1000))

    archive = zipfile.ZipFile(io.BytesIO(whole.content))
    assert str(canary).encode() in archive.read("data/turn.json")
    assert not [str(one) for one in [*hits, *swept(canary)]]
    visitor.close()
