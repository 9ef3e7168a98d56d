"""`flask jobs worker` as a process of its own, and mail leaving a real server."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from chat.kernel.settings import ROOT
from tests.accounts.mailbox import Mailbox
from tests.servers import Kind, running, sandbox_environment

pytestmark = pytest.mark.server


@pytest.mark.parametrize("kind", ["flask", "gunicorn"])
def test_a_mail_leaves_the_server_within_a_second_and_no_line_names_its_reader(kind: Kind, mailbox: Mailbox) -> None:
    with running(kind, {"MAIL_URL": mailbox.url, "CHAT_PUBLIC_URL": "http://127.0.0.1"}, workers=2) as server:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        page = browser.open(f"{server.url}/register").read().decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token
        fields = {"email": "ana@example.org", "display_name": "Ana", "password": "a long password", "is_old_enough": "y"}
        data = urllib.parse.urlencode(fields | {"csrf_token": token[1]}).encode()

        browser.open(f"{server.url}/register", data)

        assert mailbox.wait(1.5)
        assert "ana@" not in server.said()
    assert len(mailbox.mails) == 1


def test_a_worker_starts_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    environment = sandbox_environment(tmp_path) | {"CHAT_INSTANCE": str(tmp_path / "i"), "CHAT_EMBEDDED_MODEL": "off"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "jobs", "worker"], env=environment, cwd=tmp_path
    )
    try:
        lock = tmp_path / "i" / "jobs.lock"
        _wait_for(lock)

        os.kill(worker.pid, signal.SIGTERM)

        assert worker.wait(15) == 0
    finally:
        worker.kill()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.start()
    yield box
    box.stop()


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
