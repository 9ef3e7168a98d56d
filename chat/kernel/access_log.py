"""One line a request, through the log firewall."""

import logging

from flask import Flask, Response, g, request

from chat.kernel import clock


def log_requests(app: Flask) -> None:
    """Write one line a request: the route's pattern, never the path or query, which may carry a token or a search."""
    app.before_request(_start)
    app.after_request(_write)


def _start() -> None:
    g.started = clock.monotonic()


def _write(response: Response) -> Response:
    fields = {
        "method": request.method if request.method in _METHODS else "other",
        "route": request.url_rule.rule if request.url_rule else "none",
        "status": response.status_code,
        "ms": round((clock.monotonic() - g.get("started", clock.monotonic())) * 1000, 1),
    }
    if request.endpoint == "static":
        _access.debug("request", extra=fields)  # a page's own files are of no interest to anybody who reads at INFO
    else:
        _access.info("request", extra=fields)
    return response


_access = logging.getLogger("chat.access")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
