"""How gunicorn serves this site: `gunicorn app:app` reads this file by itself.

One gevent worker holds hundreds of streams; add workers for more cores. The access log stays off: the application writes
its own, without query strings.
"""

import gc
from typing import Any

worker_class = "gevent"
workers = 1
worker_connections = 2000
bind = "127.0.0.1:8000"
logger_class = "chat.kernel.logs.GunicornLogger"
accesslog = None
timeout = 120
graceful_timeout = 30
keepalive = 15


def post_worker_init(_worker: Any) -> None:
    """Leave what was loaded at the start out of every later garbage collection, and collect less often.

    With hundreds of streams open, full collections over the application's own classes took a third of the worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
