"""Jobs: whatever the mounted features do again and again, or right after something happened."""

from flask import Flask

from chat.jobs.cli import jobs
from chat.jobs.consumer import start_in_process
from chat.jobs.queue import mount_queue
from chat.kernel.feature import Feature
from chat.kernel.kicks import receive_kicks
from chat.kernel.site import Site


def _init(app: Flask) -> None:
    site: Site = app.extensions["candor"]
    receive_kicks(app, mount_queue(app, site).kick)


def _start(app: Flask) -> None:
    start_in_process(app)


FEATURE = Feature(name="jobs", commands=(jobs,), init=_init, start=_start)
