"""The headers of every answer: a strict content policy, nothing cached that is about somebody, no third party."""

import secrets

from flask import Flask, Response, g, request

_YEAR = 365 * 24 * 3600


def csp_nonce() -> str:
    """Return this request's nonce; only scripts that carry it run, beside those of our own origin."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def send_headers(app: Flask) -> None:
    """Add the headers to every answer of `app`."""
    app.before_request(_start)
    app.after_request(_add)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def _start() -> None:
    csp_nonce()


def _add(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _policy())
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={2 * _YEAR}; includeSubDomains")
    if request.endpoint != "static":
        # What is on a page belongs to whoever asked: neither a proxy nor the browser's disk keeps it.
        headers["Cache-Control"] = "no-store, private"
    return response


def _policy() -> str:
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{csp_nonce()}'",
            "img-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
