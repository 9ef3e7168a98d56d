"""The embedded engine as its users see it: one process for the whole machine, found or started, and where it listens.

Three locks in `<instance>/engine/` say who lives; the kernel drops them with the process that holds them, however it dies.
`users`: each worker shares it, and the engine ends when nobody does. `alive`: the engine holds it; without that, what the
state file says is history. `start`: whoever holds it starts the engine, the others wait. They are tried, never waited on:
a worker has one thread for many people.
"""

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from chat.kernel.settings import ROOT
from chat.providers.base import Cancel, ProviderProblem
from chat.providers.problems import Failure, problem
from chat.providers.weights import EmbeddedModel

log = logging.getLogger("chat.providers")

START_SECONDS = 30.0
_END_SECONDS = 5.0
_GLANCE = 0.05


class State(msgspec.Struct, frozen=True):
    """Where the engine that runs listens, and the key that it made for itself. Kept in a file of mode 600."""

    port: int
    key: str
    pid: int
    model: str
    # The projector that it was to have, and whether it has it: one that does not fit the model is left away.
    projector: str = ""
    sees_images: bool = False

    def __repr__(self) -> str:
        return f"State(port={self.port}, pid={self.pid})"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """The engine's folder: its locks and its state."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def users(self) -> Path:
        return self.folder / "users.lock"

    @property
    def alive(self) -> Path:
        return self.folder / "alive.lock"

    @property
    def start(self) -> Path:
        return self.folder / "start.lock"


def try_lock(file: IO[bytes] | int, *, shared: bool) -> bool:
    """Take the lock if that is possible at once."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Engine:
    """This process's right to use the engine. `locate` starts the engine when it is not there."""

    def __init__(self, instance: Path, model: EmbeddedModel, *, context: int) -> None:
        self._files = EngineFiles(instance / "engine")
        self._model = model
        self._context = context
        self._projector = str(model.projector) if model.sees_images else ""
        self._leave: Callable[[], object] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def locate(self, cancel: Cancel) -> State:
        """Return where the engine listens, started now if nobody has. Raises ProviderProblem when it cannot be had."""
        by = time.monotonic() + START_SECONDS
        self._be_present(by, cancel)
        while True:
            state = self.find()
            if state is not None and (state.model, state.projector) == (str(self._model.path), self._projector):
                return state
            if not self._model.is_there:
                raise ProviderProblem(
                    "The model of this machine is not here yet. Tell the operator to run: flask models fetch",
                    code="model_missing",
                )
            if state is not None:
                self.end(state)
            with self._try_start() as child:
                # The one that starts it watches whether it dies of its model; the others only look again.
                if child is not None and child.poll() is not None and self.find() is None:
                    raise problem(Failure.FAILED)
            _wait(by, cancel)

    def end(self, state: State) -> None:
        """End an engine that does not answer, or that serves other files. It is the one of `state` as long as it lives."""
        by = time.monotonic() + _END_SECONDS
        while self.find() == state and time.monotonic() < by:
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGKILL)
            time.sleep(_GLANCE)

    def leave(self) -> None:
        """Give up this process's right, as its end would."""
        with self._lock:
            if self._leave is not None:
                self._leave()
                self._leave = None

    def _be_present(self, by: float, cancel: Cancel) -> None:
        """Share the `users` lock. A forked process shares its parent's, which ends with neither, so it takes its own."""
        while True:
            with self._lock:
                if self._leave is not None and self._owner == os.getpid():
                    return
                self._files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                file = os.open(self._files.users, os.O_RDWR | os.O_CREAT, 0o600)
                if try_lock(file, shared=True):
                    self._leave, self._owner = weakref.finalize(self, os.close, file), os.getpid()
                    return
                # An engine that has just decided to end holds it.
                os.close(file)
            _wait(by, cancel)

    def find(self) -> State | None:
        """Return where the engine listens if it runs, and start nothing."""
        try:
            with self._files.alive.open("rb") as alive:
                if try_lock(alive, shared=True):
                    return None
            return msgspec.json.decode(self._files.state.read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    @contextlib.contextmanager
    def _try_start(self) -> Iterator[subprocess.Popen[bytes] | None]:
        """Start the engine and wait for it to listen or die, if nobody else is at it."""
        with self._files.start.open("ab") as start:
            if not try_lock(start, shared=False) or self.find() is not None:
                yield None
                return
            child = self._start(sees_images=bool(self._projector))
            if self._projector and self.find() is None and child.poll() is not None:
                child = self._start(sees_images=False)
                if self.find() is not None:
                    log.warning(
                        "CHAT_EMBEDDED_PROJECTOR: the engine does not start with this file, so it runs without, and pictures "
                        "are refused. Name the mmproj file that was published with the model, and start again."
                    )
            yield child

    def _start(self, *, sees_images: bool) -> subprocess.Popen[bytes]:
        child = _spawn(self._files.folder, str(self._model.path), str(self._context), self._projector, str(int(sees_images)))
        by = time.monotonic() + START_SECONDS
        while self.find() is None and child.poll() is None and time.monotonic() < by:
            time.sleep(_GLANCE)
        return child


def _spawn(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the engine in a session of its own, so that Ctrl-C reaches only us, with nowhere to write a word to."""
    child = subprocess.Popen(  # noqa: S603  # every argument is ours
        [sys.executable, "-m", "chat.providers.engine_process", str(folder), *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # It may outlive this process, but while we live its end must be noticed, or it stays as a zombie.
    threading.Thread(target=child.wait, name="engine-end", daemon=True).start()
    return child


def _wait(by: float, cancel: Cancel) -> None:
    if cancel.is_set or time.monotonic() > by:
        raise problem(Failure.TIMEOUT)
    time.sleep(_GLANCE)
