"""The cookies page, for guests and accounts alike: what may be set, what one chose, and how the pages look."""

from datetime import timedelta

from flask import Blueprint, Flask, Response, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug import Response as BaseResponse

from chat.accounts.models import Account
from chat.accounts.sessions import current_account
from chat.consent import ledger
from chat.consent.cookies import Choice, asked_for, may
from chat.consent.ledger import Source, State
from chat.consent.present import period
from chat.consent.purposes import Purpose, wording_of
from chat.kernel import clock
from chat.kernel.access import even_frozen, public
from chat.kernel.cookies import CHOICE, LOOK, REMEMBERED_DAYS, Cookie, cookies_of, optional_kinds
from chat.kernel.db import db
from chat.kernel.errors import Refused
from chat.kernel.look import SIZES, THEMES, Look, current_look, look_for_this_visit
from chat.kernel.signals import has_privacy_signal
from chat.kernel.site import current_site

bp = Blueprint("cookies", __name__, url_prefix="/cookies")
_NOTED = "signal"  # in the session: that this browser's signal was looked at


@bp.get("")
@public
def show() -> ResponseReturnValue:
    profile, account = current_site().profile, current_account()
    asked = asked_for(profile)
    return render_template(
        "consent/cookies.html",
        cookies=cookies_of(profile),
        kinds=optional_kinds(profile),
        wordings=[(one, wording_of(one), period(one, profile)) for one in asked],
        chosen={one for one in asked if _may(one, account)},
        has_signal=has_privacy_signal(),
        is_frozen=account is not None and account.frozen_at is not None,
        look=current_look(),
        themes=dict(zip(THEMES, (_("As the system has it"), _("Light"), _("Dark")), strict=True)),
        sizes=dict(zip(SIZES, (_("Normal"), _("Large"), _("Larger")), strict=True)),
        remembers=Purpose.PREFERENCE_COOKIES in asked and _may(Purpose.PREFERENCE_COOKIES, account),
    )


@bp.post("")
@public
@even_frozen
def choose() -> ResponseReturnValue:
    """Take the choice as it was sent: a box that is not ticked is a no."""
    profile, account = current_site().profile, current_account()
    asked = asked_for(profile)
    wanted = {one for one in asked if request.form.get(one) == "yes"}
    if has_privacy_signal():
        wanted.discard(Purpose.ANALYTICS)
    look = current_look()
    if account is not None:
        _record(account, asked, wanted)
        db.session.commit()
    response = redirect(url_for("cookies.show"), 303)
    remember_choice(response, Choice(frozenset(wanted)))
    if Purpose.PREFERENCE_COOKIES in wanted:
        _set(response, LOOK, str(look))
    else:
        forget_look(response)
    flash(_("Your choice is noted. You can change it here at any time."), "success")
    return response


@bp.post("/look")
@public
@even_frozen
def set_look() -> ResponseReturnValue:
    """Change how the pages look: for the visit, and for longer where that was agreed to."""
    look = Look.parse(f"{request.form.get('theme', '')}.{request.form.get('size', '')}")
    if look is None:
        raise Refused(_("There is no such look. Go back and choose one of those offered."))
    response = redirect(url_for("cookies.show", _anchor="look"), 303)
    look_for_this_visit(look)
    if _may(Purpose.PREFERENCE_COOKIES, current_account()):
        _set(response, LOOK, str(look))
    return response


def keep_cookies_in_step(app: Flask) -> None:
    """Let each request hear the browser's signal, and each page take away a cookie whose consent has ended elsewhere."""
    app.before_request(_hear_the_signal)
    app.after_request(_take_away)
    app.context_processor(_bar)


def remember_choice(response: BaseResponse, choice: Choice) -> None:
    """Remember what this browser said, so that it is not asked again."""
    _set(response, CHOICE, str(choice))


def forget_look(response: BaseResponse) -> None:
    """Delete the preferences cookie, if the browser has one; the look itself stays for the visit."""
    if LOOK.name in request.cookies:
        look_for_this_visit(current_look())
        response.delete_cookie(LOOK.name, httponly=True, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"])


def note_switch(response: BaseResponse, account: Account) -> None:
    """After a switch in the settings: this browser was asked, and loses the preferences cookie if that was the switch."""
    asked = asked_for(current_site().profile)
    if asked:
        remember_choice(response, Choice(frozenset(one for one in asked if _may(one, account))))
        if not _may(Purpose.PREFERENCE_COOKIES, account):
            forget_look(response)


def _record(account: Account, asked: tuple[Purpose, ...], wanted: set[Purpose]) -> None:
    for purpose in asked:
        if purpose in wanted:
            ledger.give(account, purpose, Source.COOKIE_PAGE, clock.now())
        else:
            ledger.withdraw(account, purpose, Source.COOKIE_PAGE, clock.now())


def _may(purpose: Purpose, account: Account | None) -> bool:
    return may(purpose, account, _choice(), current_site().profile, has_signal=has_privacy_signal())


def _choice() -> Choice | None:
    return Choice.parse(request.cookies.get(CHOICE.name, ""))


def _set(response: BaseResponse, cookie: Cookie, value: str) -> None:
    response.set_cookie(
        cookie.name,
        value,
        max_age=timedelta(days=REMEMBERED_DAYS),
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _hear_the_signal() -> None:
    """Record, once in a session, that the person's browser objects for them to being counted."""
    if request.method != "GET" or not has_privacy_signal() or "_user_id" not in session or _NOTED in session:
        return
    account = current_account()
    if account is None or Purpose.ANALYTICS not in asked_for(current_site().profile):
        return
    session[_NOTED] = True
    if ledger.state(account, Purpose.ANALYTICS) is not State.OBJECTED:
        ledger.object_to(account, Purpose.ANALYTICS, Source.BROWSER_SIGNAL, clock.now())
        db.session.commit()


def _take_away(response: Response) -> Response:
    """Delete the preferences cookie of a browser that still has it after its person said no elsewhere."""
    if response.status_code == 200 and response.mimetype == "text/html" and LOOK.name in request.cookies:
        account = current_account() if "_user_id" in session else None
        if not _may(Purpose.PREFERENCE_COOKIES, account):
            forget_look(response)
    return response


def _bar() -> dict[str, object]:
    """Whether the page asks about cookies: where there is something to ask, once, and not of who objects by signal."""
    site = current_site()
    asks = (
        bool(asked_for(site.profile))
        and request.endpoint not in ("cookies.show", None)
        and CHOICE.name not in request.cookies
        and not has_privacy_signal()
    )
    return {"asks_about_cookies": asks}
