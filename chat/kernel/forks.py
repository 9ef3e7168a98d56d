"""Which process this is, without asking the system each time: what a thread does for one process ends with a fork."""

import os


def process_id() -> int:
    """Return this process's number."""
    return _now[0]


def _look() -> None:
    _now[0] = os.getpid()


_now = [os.getpid()]
os.register_at_fork(after_in_child=_look)
