"""`flask jobs worker` as a process of its own, and mail leaving a real server."""

import fcntl
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
from tests.servers import Kind, Server, running, sandbox_environment

pytestmark = pytest.mark.server


@pytest.mark.parametrize("kind", ["flask", "gunicorn"])
def test_a_mail_leaves_the_server_within_two_seconds_and_no_line_names_its_reader(kind: Kind, mailbox: Mailbox) -> None:
    with running(kind, mailing(mailbox), workers=2) as server:
        register(server)

        assert mailbox.wait(2)
        assert "ana@" not in server.said()
    assert len(mailbox.mails) == 1


def test_a_worker_sends_what_a_server_beside_it_wrote_and_ends_when_it_is_told_to(mailbox: Mailbox, tmp_path: Path) -> None:
    environment = sandbox_environment(tmp_path) | mailing(mailbox)
    environment |= {"CHAT_INSTANCE": str(tmp_path / "instance"), "CHAT_EMBEDDED_MODEL": "off"}
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "jobs", "worker"]
    worker = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE)
    server = Server("flask", tmp_path, mailing(mailbox))
    try:
        wait_until_led(tmp_path / "instance" / "jobs.lock")
        server.start()  # it finds the lock taken, and leaves the jobs to the worker
        register(server)
        arrived = mailbox.wait(2)

        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=15)

        assert arrived
        assert (worker.returncode, said) == (0, b"The worker has stopped.\n")
        assert '"job": "mail.send"' not in server.said()
    finally:
        worker.kill()
        if server.process is not None:
            server.stop()


def test_another_worker_goes_on_when_the_one_that_ran_jobs_is_killed(mailbox: Mailbox) -> None:
    with running("gunicorn", mailing(mailbox), workers=2) as server:
        leading = holder_of(server.instance / "jobs.lock", server)
        os.kill(leading, signal.SIGKILL)

        register(server)

        assert mailbox.wait(6)
        assert holder_of(server.instance / "jobs.lock", server) != leading


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.start()
    yield box
    box.stop()


def mailing(mailbox: Mailbox) -> dict[str, str]:
    return {"MAIL_URL": mailbox.url, "CHAT_PUBLIC_URL": "http://127.0.0.1"}


def register(server: Server) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = browser.open(f"{server.url}/register").read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    fields = {"email": "ana@example.org", "display_name": "Ana", "password": "a long password", "is_old_enough": "y"}
    browser.open(f"{server.url}/register", urllib.parse.urlencode(fields | {"csrf_token": token[1]}).encode())


def wait_until_led(lock: Path) -> None:
    deadline = time.monotonic() + 20
    while not lock.exists() or is_free(lock):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_free(lock: Path) -> bool:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def holder_of(lock: Path, server: Server) -> int:
    """The process that has the lock's file open for good; one that merely tries closes it again."""
    wait_until_led(lock)
    time.sleep(0.1)
    (holder,) = [one.pid for one in server.processes() if str(lock) in {file.path for file in one.open_files()}]
    return holder
