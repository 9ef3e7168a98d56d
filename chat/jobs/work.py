"""Doing one job by its name. Which jobs there are, the mounted features say."""

import logging

from chat.kernel import clock
from chat.kernel.errors import NotFound
from chat.kernel.feature import Job, current_jobs

log = logging.getLogger("chat.jobs")


def get_job(name: str) -> Job:
    """Return the job of this name. Raises NotFound with the names that there are."""
    for job in current_jobs():
        if job.name == name:
            return job
    raise NotFound(f"There is no job {name!r}; there are {', '.join(sorted(job.name for job in current_jobs()))}.")


def do(name: str) -> int:
    """Run the job, in an application context, and return how many things it did."""
    job = get_job(name)
    started = clock.monotonic()
    try:
        count = job.run()
    except Exception as failure:
        log.error("a job failed", exc_info=failure, extra={"job": name})  # noqa: TRY400  # raised on; the queue says no more
        raise
    if count:
        spent = round((clock.monotonic() - started) * 1000, 1)
        log.info("a job is done", extra={"job": name, "count": count, "ms": spent})
    return count
