"""Settings → Delete: everything one keeps here, or the account, at once or with time to change one's mind."""

import logging

from flask import Blueprint, Response, current_app, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.models import Account
from chat.accounts.sessions import current_account, get_current_account
from chat.datarights import closing, erase, letters
from chat.datarights.forms_erase import AccountForm, EverythingForm
from chat.datarights.jobs import ERASE_JOB, carry_out
from chat.datarights.models_erase import Erasure, Scope, State
from chat.datarights.present_erase import certificate_view, what_goes
from chat.kernel import clock
from chat.kernel.access import Audience, audience_of, even_frozen, public, signed_in, sudo
from chat.kernel.db import db
from chat.kernel.kicks import kick
from chat.kernel.personal_data import current_stores
from chat.kernel.signing import Document
from chat.kernel.site import current_site

log = logging.getLogger("chat.datarights")
bp = Blueprint("erasure", __name__)

# What the person of a closing account may still open: the way back, the way on, and what is about the site alone.
_STILL_OPEN = {
    "erasure.closing_page", "erasure.cancel", "erasure.account", "erasure.certificate",
    "your_data.export", "your_data.download",  # a copy to take along
    "security.login", "security.logout", "security.verify", "security.forgot_password", "security.reset_password",
}  # fmt: skip
_ABOUT_THE_SITE = {None, "policy", "providers", "health", "well_known"}


@bp.before_app_request
def only_the_way_back() -> ResponseReturnValue | None:
    """An account that waits to be erased is used for nothing: whatever is asked leads to the page that can stop it."""
    endpoint = request.endpoint or ""
    blueprint = endpoint.rpartition(".")[0] or None
    if endpoint in _STILL_OPEN or blueprint in _ABOUT_THE_SITE:
        return None
    view = current_app.view_functions.get(endpoint)
    if view is not None and audience_of(view) is Audience.API_KEY:
        return None  # the key's own guard knows; a program has no session to look for
    account = current_account()
    if account is None or account.closing_at is None:
        return None
    return redirect(url_for("erasure.closing_page"), 303)


@bp.get("/settings/delete")
@signed_in
def choose() -> ResponseReturnValue:
    days = closing.grace(current_site().profile).days
    return render_template("datarights/delete.html", days=days)


@bp.route("/settings/delete/everything", methods=["GET", "POST"])
@sudo
@even_frozen
def everything() -> ResponseReturnValue:
    account = get_current_account()
    form = EverythingForm(email=account.email)
    if not form.validate_on_submit():
        goes = what_goes(current_stores(), account, Scope.CONTENT)
        return render_template("datarights/everything.html", form=form, goes=goes), _status(form)
    erasure = erase.begin(account, Scope.CONTENT, asked_by="person", now=clock.now())
    letters.keep_address(erasure, account, current_site())
    db.session.commit()
    return _carried_out(erasure.public_id)


@bp.route("/settings/delete/account", methods=["GET", "POST"])
@sudo
@even_frozen
def account() -> ResponseReturnValue:
    person, site = get_current_account(), current_site()
    form = AccountForm(email=person.email, days=_days_left(person))
    if not form.validate_on_submit():
        goes = what_goes(current_stores(), person, Scope.ACCOUNT)
        page = render_template(
            "datarights/account.html", form=form, goes=goes, is_last_operator=closing.is_last_operator(person)
        )
        return page, _status(form)
    if not form.is_now:
        return _closed(person)
    erasure = erase.begin(person, Scope.ACCOUNT, asked_by="person", now=clock.now())
    letters.keep_address(erasure, person, site)
    db.session.commit()
    # Nobody is signed in to it any more, and nothing of the visit stays in the browser.
    session.clear()
    return _carried_out(erasure.public_id)


@bp.get("/settings/closing")
@signed_in
def closing_page() -> ResponseReturnValue:
    person = get_current_account()
    if person.closing_at is None:
        return redirect(url_for("erasure.choose"))
    return render_template("datarights/closing.html", person=person)


@bp.post("/settings/closing/cancel")
@signed_in
@even_frozen
def cancel() -> ResponseReturnValue:
    person = get_current_account()
    if person.closing_at is not None:
        closing.reopen(person)
        letters.tell_of_reopening(person, current_site())
        db.session.commit()
        flash(_("Your account stays, and everything in it is as it was."), "success")
    return redirect("/", 303)


@bp.get("/erased/<public_id>")
@public
def certificate(public_id: str) -> ResponseReturnValue:
    erasure = erase.get_erasure(public_id)
    if erasure.state != State.DONE:
        return _under_way(erasure)
    return _shown(erase.get_certificate(erasure, current_site().signing))


def _carried_out(number: str) -> Response:
    try:
        return _shown(carry_out(number))
    except Exception:  # recorded there; the person is told that it is not done, and the job goes on with it
        log.exception("an erasure is not finished")
        kick(ERASE_JOB)
        return _under_way(erase.get_erasure(number))


def _closed(person: Account) -> Response:
    site = current_site()
    erasure = closing.close(person, site.profile, clock.now())
    letters.tell_of_closing(person, site, erasure.public_id)
    at, number = person.closing_at, erasure.public_id
    db.session.commit()
    session.clear()
    return make_response(render_template("datarights/closed.html", at=at, number=number))


def _shown(document: Document) -> Response:
    return make_response(render_template("datarights/certificate.html", certificate=certificate_view(document)))


def _under_way(erasure: Erasure) -> Response:
    page = render_template("datarights/under_way.html", number=erasure.public_id, is_waiting=erasure.state == State.WAITING)
    return make_response(page, 202)


def _days_left(person: Account) -> int:
    """Return how long a mind may be changed; nothing for an account that is closing already: it can only go sooner."""
    return 0 if person.closing_at is not None else closing.grace(current_site().profile).days


def _status(form: EverythingForm | AccountForm) -> int:
    return 422 if form.is_submitted() else 200
