"""Work that would hold up everybody: under gevent one thread serves them all, so it is done in gevent's thread pool there.

Elsewhere, what takes long frees the interpreter lock by itself.
"""

import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gevent import get_hub

P = ParamSpec("P")
R = TypeVar("R")


def beside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `work` returns; others are served meanwhile."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return work(*args, **kwargs)
    result: R = get_hub().threadpool.apply(work, args, kwargs)
    return result
