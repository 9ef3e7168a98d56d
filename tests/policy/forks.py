"""Scratch instances that are forked from a process that has the libraries loaded: starting Python with them takes 2 seconds.

That process never loads the product itself. Each instance does, from the source it is given, as a process started anew would.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from chat.kernel.settings import ROOT
from chat.policy.scratch.process import CHILD, Child

_LIBRARIES = f"import sys, {CHILD}, chat.factory; print(*(one for one in sys.modules if one.partition('.')[0] != 'chat'))"
_MESSAGE = 2**20


class Forks:
    """The process that instances are forked from, as those who start instances see it."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        # Verifying starts several at once, and each must get the number of its own.
        self._one_at_a_time = threading.Lock()

    def start(self, port: str, place: Path, environment: dict[str, str], output: IO[bytes]) -> Child:
        """Start an instance's process, as `chat.policy.scratch.process.start_process` does."""
        child_in, to_child = os.pipe()
        from_child, child_out = os.pipe()
        message = json.dumps([port, str(place), environment]).encode()
        with self._one_at_a_time:
            socket.send_fds(self._control, [message], [child_in, child_out, output.fileno()])
            pid = int(self._control.recv(_MESSAGE))
        os.close(child_in)
        os.close(child_out)
        return _Forked(pid, os.fdopen(to_child, "w"), os.fdopen(from_child))


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
def forking() -> Iterator[Forks]:
    """Run that process for as long as the block lasts."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    libraries = subprocess.run(
        [sys.executable, "-c", _LIBRARIES], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("forking.py")), str(theirs.fileno()), *libraries.split()],
        env=environment, cwd=ROOT, pass_fds=[theirs.fileno()],
    )  # fmt: skip
    theirs.close()
    try:
        yield Forks(control)
    finally:
        control.close()
        process.wait(20)
