"""Scratch instances that are forked from one process with its imports behind it: each start costs seconds of processor time.

What an instance is, it becomes after the fork: environment, folder and configuration are its own, as in a process started anew.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from chat.kernel.settings import ROOT
from chat.policy.scratch.process import CHILD, Child, Start, start_process

# What every instance loads, the application among it; none of it looks at the configuration when it is loaded.
_PRODUCT = ("chat.factory", "flask.cli", "werkzeug.serving", "alembic.command")
_MESSAGE = 2**20
_STOP_SECONDS = 20


class Forks:
    """The process that instances are forked from, as those who start instances see it."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        # Verifying starts several at once, and each must get the number of its own.
        self._one_at_a_time = threading.Lock()

    def start(self, port: str, place: Path, environment: dict[str, str], output: IO[bytes]) -> Child:
        """Start an instance's process, as `chat.policy.scratch.process.start_process` does. Raises RuntimeError."""
        child_in, to_child = os.pipe()
        from_child, child_out = os.pipe()
        message = json.dumps([port, str(place), environment]).encode()
        with self._one_at_a_time:
            with suppress(BrokenPipeError):
                socket.send_fds(self._control, [message], [child_in, child_out, output.fileno()])
            pid = self._control.recv(_MESSAGE)
        os.close(child_in)
        os.close(child_out)
        if not pid:
            raise RuntimeError("The process that instances are forked from has ended.")
        return _Forked(int(pid), os.fdopen(to_child, "w"), os.fdopen(from_child))


class _Forked:
    """A process whose parent is not this one."""

    def __init__(self, pid: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        try:
            self._watched: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._watched = None

    def wait(self, timeout: float | None = None) -> int:
        if self._watched is not None:
            if not select.select([self._watched], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(CHILD, timeout or 0)
            os.close(self._watched)
            self._watched = None
        return 0

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@contextmanager
def starting() -> Iterator[Start]:
    """Yield what starts instances fastest on this system, for as long as the block lasts."""
    if not sys.platform.startswith("linux"):
        yield start_process
        return
    with forking() as forks:
        yield forks.start


@contextmanager
def forking(modules: Sequence[str] = _PRODUCT) -> Iterator[Forks]:
    """Run that process, with `modules` loaded, for as long as the block lasts. What it says goes to standard error."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # Run as a file, so that of the product it loads what it is told to and nothing in passing.
    command = [sys.executable, "-P", str(Path(__file__).with_name("forking.py")), str(theirs.fileno()), *modules]
    process = subprocess.Popen(  # noqa: S603  # our own interpreter, our own file
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
    )
    theirs.close()
    try:
        yield Forks(control)
    finally:
        control.close()
        process.wait(_STOP_SECONDS)
