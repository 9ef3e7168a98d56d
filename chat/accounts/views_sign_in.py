"""Around Flask-Security's views: limits, one commit, a constant time where time would tell who has an account.

The library sends mail from views that commit nothing, answers faster for unknown addresses, fails when two people register
one address at once, acts on a mere GET of a mailed link and leaves a session's cookie behind at sign-out.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import Security

from chat.accounts.errors import AddressTaken
from chat.accounts.forms import FollowLinkForm
from chat.accounts.sessions import current_account
from chat.kernel import clock
from chat.kernel.access import Audience, declare, even_frozen
from chat.kernel.db import db
from chat.kernel.errors import Problem, Refused, TooLarge
from chat.kernel.network import client_address
from chat.kernel.pages import is_local
from chat.kernel.site import current_site

# Not RouteCallable: Flask's own type allows coroutines, and these never are.
View = Callable[..., Any]

# Longer than either branch takes on a small machine (measured: up to 0.2 s for a known address, 0.003 s for an unknown one).
PADDED_SECONDS = 0.5
_LARGEST_FORM = 64 * 1024
# Guesses at one account's password from wherever they come, and mails that strangers may send to one address.
GUESSES = "20/hour"
MAILS = "6/hour"

_AUDIENCES = {
    "login": Audience.PUBLIC,
    "logout": Audience.PUBLIC,
    "register": Audience.PUBLIC,
    "forgot_password": Audience.PUBLIC,
    "reset_password": Audience.PUBLIC,
    "send_confirmation": Audience.PUBLIC,
    "confirm_email": Audience.PUBLIC,
    "change_email_confirm": Audience.PUBLIC,
    "verify": Audience.SIGNED_IN,
    "change_password": Audience.SIGNED_IN,
    "change_email": Audience.SUDO,
}
_WHERE_PASSWORDS_ARE_GUESSED = {"security.login", "security.verify", "security.change_password"}
_WHERE_MAIL_IS_CAUSED = {
    "security.register",
    "security.forgot_password",
    "security.send_confirmation",
    "security.change_email",
}


def wrap_views(app: Flask) -> None:
    """Put our part around the library's views, and state who may call each of them."""
    app.before_request_funcs.setdefault("security", []).append(_check)
    # The library takes this link by GET alone; our button posts to it.
    app.add_url_rule("/settings/profile/email/<token>", endpoint="security.change_email_confirm", methods=["POST"])
    around: dict[str, tuple[Callable[[View], View], ...]] = {
        "logout": (_ending_the_session,),
        "register": (_taken_address_like_any_other, _committed, _padded),
        "forgot_password": (_committed, _padded),
        "send_confirmation": (_committed, _padded),
        "change_email": (_committed,),
        "confirm_email": (_only_when_pressed,),
        "change_email_confirm": (_only_when_pressed,),
    }
    for name, audience in _AUDIENCES.items():
        endpoint = f"security.{name}"
        if endpoint not in app.view_functions:
            continue
        for wrapper in around.get(name, ()):
            app.view_functions[endpoint] = wrapper(app.view_functions[endpoint])
        declare(app, endpoint, audience)
        even_frozen(app.view_functions[endpoint])  # signing in and out, and what keeps the account safe


def _check() -> ResponseReturnValue | None:
    if "password" not in current_site().profile.sign_in.offered and request.endpoint != "security.logout":
        raise Refused(_("Nobody can sign in here yet: the ways that this site names are not ready."))
    if request.is_json:
        # Flask-WTF would read the fields from it, past everything below that looks at the form.
        raise Problem("This address takes a form.")
    going_on = request.values.get("next")
    if going_on and not is_local(going_on):
        if request.method == "POST":
            raise Problem("The page to go on to is not on this site.")
        return redirect(request.path)
    if request.method != "POST" or request.endpoint == "security.logout":
        return None
    if (request.content_length or 0) > _LARGEST_FORM:
        raise TooLarge("That is more than this form takes.")
    _count()
    return None


def _count() -> None:
    site = current_site()
    assert request.endpoint
    site.limits.hit(site.profile.limits.sign_in, request.endpoint, client_address())
    address = _normalized(request.form.get("email", ""))
    if request.endpoint in _WHERE_PASSWORDS_ARE_GUESSED:
        account = current_account()
        # Unknown addresses are counted like known ones: being locked tells nothing.
        site.limits.hit(GUESSES, "password guesses", account.email.lower() if account else address)
    if request.endpoint in _WHERE_MAIL_IS_CAUSED:
        site.limits.hit(MAILS, "mails", address)


def _normalized(address: str) -> str:
    """Return the address as it will be looked up: one that can be written in many ways is still one."""
    security: Security = current_app.extensions["security"]
    try:
        return security.mail_util.normalize(address.strip()).lower()
    except ValueError:
        return address.strip().lower()


def _committed(view: View) -> View:
    @wraps(view)
    def committing(**values: str) -> Any:
        response = view(**values)
        db.session.commit()
        return response

    return committing


def _padded(view: View) -> View:
    @wraps(view)
    def padding(**values: str) -> Any:
        started = clock.monotonic()
        response = view(**values)
        if request.method == "POST":
            time.sleep(max(0.0, PADDED_SECONDS - (clock.monotonic() - started)))
        return response

    return padding


def _taken_address_like_any_other(view: View) -> View:
    @wraps(view)
    def registering(**values: str) -> Any:
        try:
            return view(**values)
        except AddressTaken:
            # Somebody else registered it since the form was checked; checked again, it is an address like any other taken one.
            return view(**values)

    return registering


def _only_when_pressed(view: View) -> View:
    @wraps(view)
    def following(**values: str) -> Any:
        if request.method == "POST":
            return view(**values)
        return render_template("security/follow_link.html", form=FollowLinkForm())

    return following


def _ending_the_session(view: View) -> View:
    @wraps(view)
    def leaving(**values: str) -> Any:
        response = view(**values)
        db.session.commit()
        # An empty session is no cookie: nothing of the visit stays in the browser.
        session.clear()
        return response

    return leaving
