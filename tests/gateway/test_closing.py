"""A server that is told to end lets streams finish for a time, and tells those that need more."""

import json
import time
from pathlib import Path
from threading import Thread

import pytest

from tests.chatting import providers
from tests.fakes import FakeProvider
from tests.gateway.site import ApiSite, api_site
from tests.sweep.visitor import Event, Visitor

pytestmark = pytest.mark.server
HI = [{"role": "user", "content": "Hi"}]


class Reader:
    """Reads one stream to whatever end it has."""

    def __init__(self, api: ApiSite, path: str, model: str) -> None:
        self.text = ""
        self._begun = False
        self._thread = Thread(target=self._read, args=(api, path, model))
        self._thread.start()
        by = time.monotonic() + 10
        while not self._begun and time.monotonic() < by:
            time.sleep(0.02)
        assert self._begun

    def _read(self, api: ApiSite, path: str, model: str) -> None:
        body = {"model": model, "stream": True, "max_tokens": 4000, "messages": HI}
        with api.http() as http, http.stream("POST", path, json=body) as answer:
            for text in answer.iter_text():
                self.text += text
                self._begun = True

    def last(self) -> str:
        """The last event, once the stream has ended."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.text.rstrip().rpartition("\n\n")[2]


def test_streams_finish_or_are_told(fake: FakeProvider, tmp_path: Path) -> None:
    with api_site("gunicorn", {"providers": providers(fake.url)}, tmp_path) as api:
        short = Reader(api, "/v1/chat/completions", "slow")
        long = Reader(api, "/v1/chat/completions", "endless")
        translated = Reader(api, "/v1/messages", "endless")

        assert api.server.stop() == 0

        assert short.last() == "data: [DONE]"
        assert json.loads(long.last().removeprefix("data: "))["error"]["code"] == "server_ends"
        assert translated.last().startswith("event: error\ndata: ")
        assert [row.status for row in api.settled(3)] == ["done", "stopped", "stopped"]


def test_a_chat_that_the_server_ends_keeps_what_came(fake: FakeProvider, tmp_path: Path) -> None:
    with api_site("gunicorn", {"providers": providers(fake.url)}, tmp_path) as api:
        visitor = Visitor(api.url)
        visitor.open()
        events: list[Event] = []
        reading = Thread(target=lambda: events.extend(visitor.stream("Hi", "endless")))
        reading.start()
        by = time.monotonic() + 10
        while not fake.calls and time.monotonic() < by:
            time.sleep(0.02)

        assert api.server.stop() == 0

        reading.join(20)
        visitor.close()
        assert events[-1][0] == "done"
        assert "word0" in events[-1][1]["html"]
