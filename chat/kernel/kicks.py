"""Asking for a job to run now instead of at its next turn.

Features above know when there is something to do; `jobs`, in the last row, knows how to run it and registers itself here.
Nobody registered (a command, a test) means that the job's own schedule gets to it.
"""

from collections.abc import Callable

from flask import Flask, current_app

_EXTENSION = "candor_kicks"


def receive_kicks(app: Flask, receiver: Callable[[str], None]) -> None:
    """Let `receiver` get the name of each job that is to run now."""
    app.extensions[_EXTENSION] = receiver


def kick(job: str) -> None:
    """Ask for the job to run soon. Only once what it is to work on is committed: it may look at once (`after_commit`)."""
    receiver: Callable[[str], None] | None = current_app.extensions.get(_EXTENSION)
    if receiver is not None:
        receiver(job)
