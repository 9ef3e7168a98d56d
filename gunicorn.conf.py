"""How gunicorn serves this site: `gunicorn app:app` reads this file by itself.

One gevent worker holds hundreds of streams; add workers for more cores. The access log stays off: the application writes
its own, without query strings.
"""

import ctypes
import gc
from typing import Any

import gevent

worker_class = "chat.kernel.worker.Worker"
workers = 1
worker_connections = 2000
bind = "127.0.0.1:8000"
logger_class = "chat.kernel.logs.GunicornLogger"
accesslog = None
timeout = 120
graceful_timeout = 30
keepalive = 15

_LOOK_EVERY = 0.25
_TO_SAY_SO = 3.0


def _give_back() -> None:
    """Return to the system what starting used and does not need any more, where the C library is glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _end_streams_in_time(worker: Any) -> None:
    """Wait until the worker is told to end, give its streams most of what gunicorn allows, and end those that need more.

    At the end of that time gunicorn kills what is left, and nobody could tell the reader why.
    """
    from chat.kernel.closing import closing  # noqa: PLC0415  # see below

    while worker.alive:
        gevent.sleep(_LOOK_EVERY)
    allowed = worker.cfg.graceful_timeout
    gevent.sleep(max(allowed - _TO_SAY_SO, allowed / 2))
    closing.end_streams()


def post_worker_init(worker: Any) -> None:
    """Keep texts out of what is printed, and leave what was loaded at the start out of garbage collection.

    With hundreds of streams open, full collections over the application's own classes took a third of the worker's time.
    """
    # Gevent would print what a greenlet did not catch, text and all; what matters was logged where it happened.
    gevent.get_hub().exception_stream = None
    # What the default model's provider needs is surely needed: loaded before the first message, and left out of collections.
    # Here and not above, or the master process would load the application too.
    from chat.providers.current import current_catalogue  # noqa: PLC0415

    with worker.wsgi.app_context():
        current_catalogue().prepare_default()
    gevent.spawn(_end_streams_in_time, worker)
    gc.collect()
    _give_back()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
