"""The real thing as processes: `flask run` or gunicorn on a free loopback port, in a sandbox that holds all it writes.

Instance folder, temp folder, home, working directory and captured output lie inside the sandbox, so that a sweep of it
reads every byte the running system wrote.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psutil  # type: ignore[import-untyped]
from flask import Flask
from werkzeug.serving import make_server

from chat.kernel.settings import ROOT
from chat.providers.letterhead import Letterheads

Kind = Literal["flask", "gunicorn"]
_START_SECONDS = 40
_STOP_SECONDS = 15


class Server:
    """A running server and its sandbox."""

    def __init__(
        self, kind: Kind, folder: Path, settings: Mapping[str, str], workers: int = 1, port: int | None = None
    ) -> None:
        self.kind = kind
        self.folder = folder
        self.instance = folder / "instance"
        self.temp = folder / "temp"
        self.output = folder / "output.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._workers = workers
        for part in (self.instance, self.temp, folder / "home", folder / "cwd"):
            part.mkdir(parents=True, exist_ok=True)
        # What a first start finds out takes a second of processor time, and is the same for all that are started here.
        Letterheads(self.instance).give(self.instance)
        self.environment = sandbox_environment(folder) | {
            "CHAT_INSTANCE": str(self.instance),
            "CHAT_EMBEDDED_MODEL": "off",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers. Fails with what it said when it does not."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self._command(),
                cwd=self.folder / "cwd",
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not answers(f"{self.url}/healthz"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server did not start:\n{self.said()}")
            time.sleep(0.03)

    def said(self) -> str:
        """Everything it wrote to its outputs so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def processes(self) -> list[psutil.Process]:
        """The process that was started and all that it started in turn."""
        assert self.process is not None
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    def process_ids(self) -> list[int]:
        try:
            return [one.pid for one in self.processes()]
        except psutil.NoSuchProcess:
            return []

    def kill_worker(self) -> None:
        """End the process that serves requests as an out-of-memory kill would: at once, nothing tidied up."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        victim = children[0].pid if self.kind == "gunicorn" and children else self.process.pid
        os.kill(victim, signal.SIGKILL)

    def stop(self) -> int:
        """End it as an operator does, with SIGTERM, and return its exit status. Whatever it left running ends by force."""
        assert self.process is not None
        if self.process.poll() is not None:
            return self.process.returncode
        family = self.processes()
        self.process.terminate()
        try:
            status = self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        _, alive = psutil.wait_procs(family[1:], timeout=3)
        self.left_running = [one.pid for one in alive]
        for one in alive:
            one.kill()
        return status

    def _command(self) -> list[str]:
        if self.kind == "flask":
            return [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "run", "--port", str(self.port)]
        return [
            *(sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "--pythonpath", str(ROOT)),
            *("-w", str(self._workers), "-b", f"127.0.0.1:{self.port}", "--worker-tmp-dir", str(self.temp)),
            *("--graceful-timeout", "5", "--log-level", self.environment.get("CHAT_LOG_LEVEL", "INFO").lower(), "app:app"),
        ]


@contextmanager
def running(kind: Kind, settings: Mapping[str, str] | None = None, *, workers: int = 1) -> Iterator[Server]:
    """Run a server for as long as the block lasts; its sandbox goes with it."""
    # A short path: gunicorn and PostgreSQL put Unix sockets into theirs, and those names may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="candor-"))
    server = Server(kind, folder, settings or {}, workers)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve `app` from a thread of this process and yield its address: for tests that look with a browser."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sandbox_environment(folder: Path) -> dict[str, str]:
    """The environment of a process that is to write nowhere but in `folder`; nothing of this process's own settings."""
    inherited = ("PATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "CI", "CHROMIUM")
    return {name: os.environ[name] for name in inherited if name in os.environ} | {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temp"),
        "FLASK_SKIP_DOTENV": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        # Where a library would reach for the network in spite of everything, it finds a closed door.
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "127.0.0.1,localhost",
    }


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
