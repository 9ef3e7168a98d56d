"""Settings → API keys. A key is on one page, the answer to the form that made it, and on none after that."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.sessions import get_current_account
from chat.gateway import keys
from chat.gateway.forms import KeyForm, RotateForm
from chat.gateway.keys import MOST_KEYS, Made, Terms
from chat.gateway.present import example_for, key_view
from chat.kernel import clock
from chat.kernel.access import even_frozen, not_frozen, signed_in, sudo
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.site import current_site
from chat.providers.current import current_catalogue

bp = Blueprint("api_keys", __name__, url_prefix="/settings/keys")

_RATE = "60/hour"
_SENT = "keys_made"
_MOST_SENT = 5


@bp.get("")
@signed_in
def listing() -> ResponseReturnValue:
    account, now = get_current_account(), clock.now()
    views = [key_view(row, now, frozen=account.frozen_at is not None) for row in keys.list_keys(account)]
    return render_template("gateway/keys.html", keys=views, most=MOST_KEYS, api=f"{_root()}/v1")


@bp.route("/new", methods=["GET", "POST"])
@sudo
@not_frozen
def create() -> ResponseReturnValue:
    account, site, form = get_current_account(), current_site(), _form()
    if form.validate_on_submit():
        if _was_sent_before(form.attempt.data):
            return _made_already()
        site.limits.hit(_RATE, "new-key", account.public_id)
        try:
            made = keys.make_key(account, form.name.data, form.terms, site.api_secret, clock.now())
        except Problem as problem:
            form.form_errors.append(problem.message)
        else:
            db.session.commit()
            return _shown_once(made, form.attempt.data)
    return render_template("gateway/new_key.html", form=form)


@bp.route("/<public_id>/edit", methods=["GET", "POST"])
@sudo
@not_frozen
def edit(public_id: str) -> ResponseReturnValue:
    account = get_current_account()
    row = keys.get_key(account, public_id)
    form = _form(keys.terms_of(row))
    form.submit.label.text = _("Save")
    if request.method == "GET":
        form.name.data = row.name
    if form.validate_on_submit():
        try:
            keys.change(row, form.name.data, form.terms)
        except Problem as problem:
            form.form_errors.append(problem.message)
        else:
            db.session.commit()
            flash(_("The key is changed. Programs that use it notice within a second."), "success")
            return redirect(url_for("api_keys.listing"), 303)
    return render_template("gateway/key.html", form=form, key=key_view(row, clock.now(), frozen=account.frozen_at is not None))


@bp.route("/<public_id>/rotate", methods=["GET", "POST"])
@sudo
@not_frozen
def rotate(public_id: str) -> ResponseReturnValue:
    account, site = get_current_account(), current_site()
    row, form = keys.get_key(account, public_id), RotateForm()
    if form.validate_on_submit():
        if _was_sent_before(form.attempt.data):
            return _made_already()
        site.limits.hit(_RATE, "new-key", account.public_id)
        made = keys.rotate_key(row, account, form.hours, site.api_secret, clock.now())
        db.session.commit()
        return _shown_once(made, form.attempt.data)
    return render_template("gateway/rotate_key.html", form=form, key=key_view(row, clock.now()))


@bp.post("/<public_id>/disable")
@sudo
@even_frozen
def disable(public_id: str) -> ResponseReturnValue:
    keys.disable(keys.get_key(get_current_account(), public_id), clock.now())
    db.session.commit()
    flash(_("The key is disabled. Whoever uses it is refused within a second."), "success")
    return redirect(url_for("api_keys.listing"), 303)


@bp.post("/<public_id>/enable")
@sudo
@not_frozen
def enable(public_id: str) -> ResponseReturnValue:
    keys.enable(keys.get_key(get_current_account(), public_id))
    db.session.commit()
    flash(_("The key works again."), "success")
    return redirect(url_for("api_keys.listing"), 303)


@bp.post("/<public_id>/delete")
@sudo
@even_frozen
def delete(public_id: str) -> ResponseReturnValue:
    keys.delete(keys.get_key(get_current_account(), public_id))
    db.session.commit()
    flash(_("The key is deleted. What was used with it stays in your usage."), "success")
    return redirect(url_for("api_keys.listing"), 303)


def _form(terms: Terms | None = None) -> KeyForm:
    models = current_catalogue().list_models()
    regions = sorted({one.policy.region for one in models})
    return KeyForm(models=[one.id for one in models], regions=regions, today=clock.now().date(), terms=terms)


def _was_sent_before(attempt: str) -> bool:
    return bool(attempt) and attempt in session.get(_SENT, [])


def _made_already() -> ResponseReturnValue:
    flash(_("That key is made already, and is not shown a second time. If it is lost, delete it and make another."), "info")
    return redirect(url_for("api_keys.listing"), 303)


def _shown_once(made: Made, attempt: str) -> ResponseReturnValue:
    """Return the page with the key: the answer itself, so that nothing has to remember the key for a page after it.

    What is remembered is that this form was sent: a reload of the page sends it again.
    """
    session[_SENT] = [*session.get(_SENT, []), attempt][-_MOST_SENT:]
    view, example = key_view(made.row, clock.now()), example_for(made.row, current_catalogue().list_models(), _root())
    return render_template("gateway/made.html", key=view, secret=made.key, example=example)


def _root() -> str:
    return (current_site().settings.chat_public_url or request.url_root).rstrip("/")
