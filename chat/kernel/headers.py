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
    app.after_request(_add)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def _add(response: Response) -> Response:
    headers = response.headers
    given = {name.lower() for name, _value in headers}
    for name, value in _ALWAYS:
        if name.lower() not in given:
            headers.add(name, value)
    if "content-security-policy" not in given:
        # Only a page has scripts that a nonce could let run.
        headers.add("Content-Security-Policy", _policy(csp_nonce()) if response.mimetype == "text/html" else _WITHOUT_SCRIPTS)
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={2 * _YEAR}; includeSubDomains")
    if request.endpoint != "static":
        # What is on a page belongs to whoever asked: neither a proxy nor the browser's disk keeps it.
        headers["Cache-Control"] = "no-store, private"
    return response


def _policy(nonce: str | None) -> str:
    scripts = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src {scripts}",
            "img-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


_WITHOUT_SCRIPTS = _policy(None)
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()"),
)
