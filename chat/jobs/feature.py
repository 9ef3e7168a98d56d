"""Jobs: whatever the mounted features do again and again, or right after something happened."""

from flask import Flask

from chat.jobs.cli import jobs
from chat.jobs.personal_data import STORES
from chat.jobs.runner import mount_runner, runner_of
from chat.kernel.feature import Feature
from chat.kernel.kicks import receive_kicks


def _init(app: Flask) -> None:
    receive_kicks(app, mount_runner(app).kick)


def _start(app: Flask) -> None:
    runner_of(app).start()


FEATURE = Feature(name="jobs", stores=STORES, commands=(jobs,), init=_init, start=_start)
