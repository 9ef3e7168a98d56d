"""With history off, no byte of what anybody writes or is answered is written: not by the server, not on failure, not by kill.

Each scenario runs against the real server, logging at DEBUG, and sends a word that must then be nowhere.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.policy.sweep import Canary, sweep, watching
from tests.fakes import FakeProvider
from tests.servers import Server, running
from tests.sweep.conftest import Swept, settings_with
from tests.sweep.visitor import Upload, Visitor

pytestmark = pytest.mark.server


def pdf(words: str) -> bytes:
    """A page with these words, compressed as PDF writers do."""
    stream = zlib.compress(f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET".encode())
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return body + head + table + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(body))


def _words(canary: Canary) -> str:
    return f"{canary} is what I want to know. Tell me about {canary}."


def _stream(model: str, *, stop_after: int = 10**9) -> Callable[[Visitor, Canary], None]:
    def act(visitor: Visitor, canary: Canary) -> None:
        assert visitor.stream(_words(canary), model, stop_after=stop_after)

    return act


def _times_out(visitor: Visitor, canary: Canary) -> None:
    name, data = visitor.stream(_words(canary), "first-byte-never")[-1]
    assert (name, data["code"]) == ("failed", "provider_timeout")


def _form(model: str) -> Callable[[Visitor, Canary], None]:
    def act(visitor: Visitor, canary: Canary) -> None:
        visitor.send(_words(canary), model)

    return act


def _whole_conversation(visitor: Visitor, canary: Canary) -> None:
    events = visitor.stream(_words(canary), "ok", instructions=f"Answer like {canary}.")
    assert events[-1][0] == "done"
    assert visitor.stream(f"And {canary}?", "echo")[-1][0] == "done"
    page = visitor.open()
    visitor.send(_words(canary), "echo")
    page = visitor.send(f"Once more {canary}", "ok")
    answers = [one.get("data-turn") for one in page.all("article")]
    visitor.send("", "ok", act="regenerate", turn=answers[-1])
    visitor.send(f"Changed {canary}", "ok", act="edit", turn=answers[0])


def _invalid(visitor: Visitor, canary: Canary) -> None:
    visitor.send(_words(canary) * 20_000, "ok")
    visitor.send(_words(canary), f"model-{canary}")
    visitor.send(_words(canary), "ok", temperature=f"{canary}")
    visitor.send(_words(canary), "ok", transcript=f"{canary}")
    visitor.send(_words(canary), "ok", conversation=f"{canary}"[:24])
    visitor.send(_words(canary), "ok", csrf_token=f"{canary}")
    visitor.http.get(f"/{canary}")
    visitor.http.get(
        f"/?q={canary}", headers={"Referer": f"http://x/{canary}", "User-Agent": f"{canary}", "Cookie": f"a={canary}"}
    )
    visitor.http.post("/chat/send", content=f"{canary}", headers={"Content-Type": "multipart/form-data"})
    visitor.http.post("/chat/send/stream", json={"text": f"{canary}"})
    visitor.http.post(f"/chat/{canary}/stream", data={"text": f"{canary}"})


def _large_upload(visitor: Visitor, canary: Canary) -> None:
    text = f"{canary} and so on\n".encode()
    visitor.send(_words(canary), "ok", files=(Upload("notes.txt", text * (5 * 2**20 // len(text)), "text/plain"),))
    visitor.stream(_words(canary), "ok", files=(Upload("table.csv", text * 4000, "text/csv"),))
    visitor.send(_words(canary), "ok", files=(Upload(f"{canary}.bin", text * 40_000, "application/octet-stream"),))


def _pdf(visitor: Visitor, canary: Canary) -> None:
    events = visitor.stream("Read this", "echo", files=(Upload("paper.pdf", pdf(str(canary)), "application/pdf"),))
    assert str(canary) in str(events)
    visitor.send("Read this", "ok", files=(Upload("paper.pdf", pdf(str(canary))[:-200], "application/pdf"),))


def _signed_in(visitor: Visitor, canary: Canary) -> None:
    visitor.register(f"person{str(canary)[-8:]}".replace("kanarie", ""))
    _whole_conversation(visitor, canary)


SCENARIOS: dict[str, Callable[[Visitor, Canary], None]] = {
    "an answer": _stream("ok"),
    "an answer with reasoning": _stream("reasoning"),
    "an echo": _stream("echo"),
    "a conversation with and without JavaScript": _whole_conversation,
    "an account that did not agree": _signed_in,
    "the reader leaves": _stream("endless", stop_after=4),
    "the reader leaves before the first word": _stream("first-byte-never", stop_after=1),
    "the provider does not answer in time": _times_out,
    "the provider repeats the prompt with 400": _stream("echo-400"),
    "the provider repeats the prompt with 500": _stream("echo-500"),
    "the provider repeats the prompt in mid-stream": _stream("error-event"),
    "the provider's 500 without JavaScript": _form("echo-500"),
    "the provider cuts the stream": _stream("cut"),
    "the provider resets": _stream("reset"),
    "the provider sends garbage": _stream("garbage"),
    "the provider does not know us": _stream("unauthorized"),
    "invalid input": _invalid,
    "a large upload": _large_upload,
    "a PDF": _pdf,
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_nothing_is_written(server: Server, swept: Swept, scenario: Callable[[Visitor, Canary], None]) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    visitor.open()

    with watching(server, canary, server.temp, server.folder / "cwd", server.folder / "home") as hits:
        scenario(visitor, canary)

    visitor.close()
    assert not [str(one) for one in [*hits, *swept(canary), *canary.find_in(visitor.cookies, "cookies")]]


def test_nothing_is_written_when_a_worker_is_killed(fake: FakeProvider, tmp_path: Path) -> None:
    canary = Canary()
    with running("gunicorn", settings_with(fake, tmp_path)) as server:
        visitor = Visitor(server.url)
        visitor.open()
        request = visitor.http.build_request(
            "POST", "/chat/send/stream", data=visitor.fields | {"text": _words(canary), "model": "endless"}
        )
        response = visitor.http.send(request, stream=True)
        next(response.iter_raw())

        server.kill_worker()

        response.close()
        visitor.close()
        _until_answers(server)
        assert not [str(one) for one in sweep(canary, server.folder)]


def test_the_scenarios_reach_the_provider(server: Server, fake: FakeProvider) -> None:
    """What proves that the silence above is not that of a chat that never spoke."""
    canary, visitor = Canary(), Visitor(server.url)
    visitor.open()

    visitor.stream(_words(canary), "echo-500")

    assert str(canary) in fake.last().prompt
    visitor.close()


def _until_answers(server: Server) -> None:
    visitor = Visitor(server.url)
    visitor.open()
    visitor.close()
