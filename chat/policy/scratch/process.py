"""Starting the scratch instance's own process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

CHILD = "chat.policy.scratch.child"


class Child(Protocol):
    """The instance's own process: it takes orders, and answers them."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> IO[str] | None: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...


Start = Callable[[str, Path, dict[str, str], IO[bytes]], Child]


def start_process(port: str, place: Path, environment: dict[str, str], output: IO[bytes]) -> Child:
    """Start the instance's own process in the folder `place`; all that it prints goes to `output`."""
    return subprocess.Popen(  # noqa: S603  # our own interpreter, our own module
        [sys.executable, "-m", CHILD, port],
        cwd=place, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True,
    )  # fmt: skip
