"""The queue of jobs that are to run now: rows in SQLite beside the database, or in Redis. A row holds a job's name, no more."""

import logging
import sqlite3
from datetime import datetime
from typing import Any

from flask import Flask
from huey import PriorityRedisHuey, SqliteHuey
from huey.serializer import SignedSerializer
from redis.exceptions import RedisError

from chat.jobs.work import do
from chat.kernel import clock, crypto
from chat.kernel.feature import current_jobs
from chat.kernel.site import Site

log = logging.getLogger("chat.jobs")

_EXTENSION = "candor_queue"
# A job that somebody waits for, like a mail, goes before those whose turn it merely is.
_FIRST = 10


class Queue:
    """The site's queue, opened when it is first needed: most commands never do."""

    def __init__(self, app: Flask, site: Site) -> None:
        self._app = app
        self._site = site
        self._opened: tuple[Any, Any] | None = None

    @property
    def huey(self) -> Any:
        return self._open()[0]

    def kick(self, job: str) -> None:
        """Let the job run as soon as somebody has time. A queue that is down costs only the wait for the job's own turn."""
        try:
            self._enqueue(job, _FIRST)
        except (sqlite3.Error, RedisError):
            log.warning("the queue is unreachable", extra={"job": job})

    def _open(self) -> tuple[Any, Any]:
        if self._opened is None:
            # Rows are pickles. Signed, so that whoever can write to a shared Redis cannot make us run what they like.
            more = {"results": False, "serializer": SignedSerializer(crypto.derive(self._site.secret, "jobs").hex())}
            url = self._site.settings.redis_url
            path = self._site.settings.chat_instance / "jobs.sqlite"
            huey = PriorityRedisHuey("candor", url=url, **more) if url else SqliteHuey("candor", filename=str(path), **more)
            task = huey.task(name="do")(self._do)
            # The queue looks once a minute; each job's own rhythm is kept in `_enqueue_due`.
            huey.periodic_task(_always, name="enqueue_due")(self._enqueue_due)
            self._opened = (huey, task)
        return self._opened

    def _enqueue(self, job: str, priority: int) -> None:
        huey, task = self._open()
        row = task.s(job)
        row.priority = priority
        huey.enqueue(row)

    def _do(self, job: str) -> None:
        with self._app.app_context():
            do(job)

    def _enqueue_due(self) -> None:
        # By when it last ran, kept in the queue's own store: a site that runs an hour a day still gets its daily jobs done.
        now = clock.now().timestamp()
        with self._app.app_context():
            jobs = current_jobs()
        for job in jobs:
            last = self.huey.get(f"last {job.name}", peek=True) or 0.0
            # The queue looks every 60 seconds, give or take: a job of every minute must not skip every other one.
            if now - last >= job.every.total_seconds() - 5:
                self.huey.put(f"last {job.name}", now)
                self._enqueue(job.name, 0)


def mount_queue(app: Flask, site: Site) -> Queue:
    """Give the application its queue."""
    # It tells of each row at INFO; what is worth a line, `work` writes.
    logging.getLogger("huey").setLevel(logging.WARNING)
    queue = Queue(app, site)
    app.extensions[_EXTENSION] = queue
    return queue


def queue_of(app: Flask) -> Queue:
    queue: Queue = app.extensions[_EXTENSION]
    return queue


def _always(_moment: datetime) -> bool:
    return True
