"""The process that scratch instances are forked from (`forks.py`): `forking.py FD MODULE...`.

It is run as a file and imports nothing of the product by itself: tests fork instances of other source from it.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from typing import NoReturn

_MESSAGE = 2**20


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        with suppress(Exception):  # a module that cannot be loaded on its own is loaded by whoever needs it
            importlib.import_module(name)
    assert ("chat" in sys.modules) == any(name.startswith("chat.") for name in sys.argv[2:])
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who end
    while True:
        message, handles, _flags, _address = socket.recv_fds(control, _MESSAGE, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _become(json.loads(message), handles)
        for one in handles:
            os.close(one)
        control.send(str(pid).encode())


def _become(order: tuple[str, str, dict[str, str]], handles: list[int]) -> NoReturn:
    port, place, environment = order
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, one in enumerate(handles):
        os.dup2(one, target)
        os.close(one)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w", 1), os.fdopen(2, "w", 1)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.dont_write_bytecode = True
    sys.path.insert(0, environment["PYTHONPATH"])
    sys.argv = ["child", port]
    runpy.run_module("chat.policy.scratch.child", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main()
