"""What tests around jobs share: apps with jobs of the test's own, and runners that end with the test."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from chat.jobs.runner import Runner, runner_of
from chat.kernel.feature import Feature, Job, mount_features
from tests.conftest import MakeApp

Start = Callable[..., Runner]
DAY = timedelta(days=1)


@pytest.fixture
def start(make_app: MakeApp) -> Iterator[Start]:
    """Run an app's jobs until the test ends: by the runner that its kicks reach, or by another one of the machine."""
    started: list[Runner] = []

    def starting(app: Flask, *, another: bool = False) -> Runner:
        runner = Runner(app) if another else runner_of(app)
        runner.start()
        started.append(runner)
        return runner

    yield starting
    for one in started:
        one.stop()


def jobs_of(app: Flask, name: str, *, every: timedelta = DAY) -> list[str]:
    """Let the app have one job, and return a list that grows with each run of it."""
    ran: list[str] = []

    def run() -> int:
        ran.append(name)
        return 1

    mount(app, Job(name=name, run=run, every=every))
    return ran


def mount(app: Flask, *jobs: Job) -> None:
    mount_features(app, (Feature(name="test", jobs=jobs),))


def soon(holds: Callable[[], bool], *, seconds: float = 3) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
