"""Pages: error pages without a database, redirects that stay on the site, and uploads that stay in memory."""

import logging
from collections.abc import Callable
from io import BytesIO
from typing import IO
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from chat.kernel.errors import Problem, TooMany

log = logging.getLogger("chat.errors")

Teller = Callable[[Problem], Response]
_TELLERS = "candor_tellers"
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type", 429: "too_many"}


class MemoryRequest(Request):
    """A request whose uploads never touch the disk: by default Werkzeug spools files above 500 KB to the temp folder."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return BytesIO()


def share_macros(app: Flask) -> None:
    """Let every template call the macros of macros/ui.html without importing them.

    Jinja compares all globals at each import of a macro file; in a list of a hundred entries that was half of the page's time.
    """
    for name, macro in vars(app.jinja_env.get_template("macros/ui.html").module).items():
        if not name.startswith("_"):
            app.jinja_env.globals[name] = macro


def is_local(target: str | None) -> bool:
    """Whether `target` is a path of this site and nothing a browser could read as another host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or any(ord(one) < 33 for one in target):
        return False
    return not urlsplit(target).netloc


def show_errors(app: Flask) -> None:
    """Turn every failure into a page that says what to do and quotes nothing."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def tell_failures(app: Flask, prefix: str, teller: Teller) -> None:
    """Let `teller` answer every failure at an address below `prefix`, also where there is no such address: no page there."""
    app.extensions.setdefault(_TELLERS, {})[prefix] = teller


def _teller() -> Teller | None:
    tellers: dict[str, Teller] = current_app.extensions.get(_TELLERS, {})
    return next((one for prefix, one in tellers.items() if f"{request.path}/".startswith(f"{prefix}/")), None)


def _page(status: int, title: str, message: str) -> Response:
    return Response(render_template("errors/problem.html", status=status, title=title, message=message), status)


def _problem(problem: Problem) -> ResponseReturnValue:
    if teller := _teller():
        return teller(problem)
    response = _page(problem.status, _title(problem.status), problem.message)
    if isinstance(problem, TooMany):
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def _stale_form(_error: CSRFError) -> ResponseReturnValue:
    return _page(
        400,
        _("This page has been open for too long"),
        _("For your safety the form was not accepted. Go back, reload the page, and send it again."),
    )


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()
    messages = {
        404: _("There is nothing at this address, or it is not yours."),
        405: _("This address does not take that kind of request."),
        413: _("What you sent is larger than this site takes. Send less, or smaller files."),
        429: _("That was too much at once. Please wait a moment."),
    }
    message = messages.get(error.code, _("The request could not be understood. Go back and try again."))
    if not (teller := _teller()):
        return _page(error.code, _title(error.code), message)
    problem = Problem(message, code=_CODES.get(error.code, "invalid_request"))
    problem.status = error.code
    response = teller(problem)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _unexpected(error: Exception) -> ResponseReturnValue:
    log.error("unexpected failure", exc_info=error, extra={"route": request.url_rule.rule if request.url_rule else "none"})
    message = _("Something went wrong on our side. Nothing you wrote was kept. Please try again.")
    if not (teller := _teller()):
        return _page(500, _title(500), message)
    problem = Problem(message, code="server_error")
    problem.status = 500
    return teller(problem)


def _title(status: int) -> str:
    titles = {
        403: _("Not allowed"),
        404: _("Not found"),
        413: _("Too large"),
        429: _("Please slow down"),
        500: _("That failed"),
        502: _("The model's provider failed"),
        503: _("Not available right now"),
    }
    return titles.get(status, _("That did not work"))
