"""Requests: on the settings page of whoever has an account, and at `/privacy/request` for everybody else."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.mail import post
from chat.accounts.models import Account
from chat.accounts.sessions import current_account, get_current_account
from chat.diagnostics import failures
from chat.kernel import clock
from chat.kernel.access import even_frozen, public, signed_in
from chat.kernel.db import db, truncate_journal
from chat.kernel.network import client_address
from chat.kernel.site import current_site
from chat.requests import answering, letters
from chat.requests.forms import GuestRequestForm, RequestForm
from chat.requests.letters import Kind, Words
from chat.requests.models import PersonRequest
from chat.requests.present import choices, request_view, title

bp = Blueprint("requests", __name__)

# Each asks a person to read: far more than anybody needs, far less than a machine would send.
_RATE_OF_GUESTS, _RATE_OF_ACCOUNTS = "5/hour", "20/day"


@bp.get("/settings/requests")
@signed_in
def listing() -> ResponseReturnValue:
    now = clock.now()
    rows = [request_view(row, now) for row in letters.list_requests(get_current_account())]
    return render_template("requests/listing.html", requests=rows)


@bp.route("/settings/requests/new", methods=["GET", "POST"])
@signed_in
@even_frozen
def create() -> ResponseReturnValue:
    account, site = get_current_account(), current_site()
    form = RequestForm()
    form.kind.choices = choices(site.profile)
    if request.method == "GET":
        form.about.data = request.args.get("about", "")
        form.attach.data = bool(form.about.data)
        form.kind.data = request.args.get("kind", Kind.QUESTION.value)
    if not form.about.data:
        del form.attach
    if form.validate_on_submit():
        site.limits.hit(_RATE_OF_ACCOUNTS, "request", account.public_id)
        attached = _exchange(account, form.about.data) if form.about.data and form.attach.data else None
        sent = letters.send(account, Kind(form.kind.data), Words(form.text.data, exchange=attached), site, clock.now())
        _tell_operator(sent)
        db.session.commit()
        flash(_("Your request was sent. Its reference is %(reference)s.", reference=sent.public_id), "success")
        return redirect(url_for("requests.listing"), 303)
    return render_template("requests/new.html", form=form)


@bp.get("/settings/requests/<public_id>")
@signed_in
def read(public_id: str) -> ResponseReturnValue:
    account, site = get_current_account(), current_site()
    row = letters.get_request(account, public_id)
    opener = letters.reader(account, site)
    return render_template(
        "requests/read.html",
        request_view=request_view(row, clock.now()),
        words=letters.open_words(row, opener),
        answer=letters.open_answer(row, opener),
        readings=answering.list_readings(account, row),
    )


@bp.post("/settings/requests/<public_id>/take-back")
@signed_in
@even_frozen
def take_back(public_id: str) -> ResponseReturnValue:
    letters.take_back(letters.get_request(get_current_account(), public_id))
    db.session.commit()
    truncate_journal()
    flash(_("The request was taken back, and what it said was deleted."), "success")
    return redirect(url_for("requests.listing"), 303)


@bp.route("/privacy/request", methods=["GET", "POST"])
@public
@even_frozen
def ask() -> ResponseReturnValue:
    if current_account() is not None:
        return redirect(url_for("requests.create", kind=request.args.get("kind")))
    site, form = current_site(), GuestRequestForm()
    form.kind.choices = choices(site.profile)
    if request.method == "GET":
        form.kind.data = request.args.get("kind", Kind.QUESTION.value)
    if form.validate_on_submit():
        site.limits.hit(_RATE_OF_GUESTS, "request", client_address())
        sent = letters.send(None, Kind(form.kind.data), Words(form.text.data, email=form.email.data), site, clock.now())
        _tell_operator(sent)
        db.session.commit()
        return render_template("requests/sent.html", reference=sent.public_id, due=sent.due_at)
    return render_template("requests/ask.html", form=form, law=site.profile.law)


def _exchange(account: Account, failure_id: str) -> dict[str, object]:
    """Return the person's failed answer as it goes into the request: a copy, which lives and goes with it."""
    site = current_site()
    row = failures.get_failure(account, failure_id, clock.now())
    return {**failures.open_failure(row, letters.reader(account, site)), "code": row.code, "model": row.model}


def _tell_operator(sent: PersonRequest) -> None:
    """Mail the operator that there is a request and by when: its kind and reference, and no word of it."""
    address = current_site().profile.law.controller.email
    if address and current_site().settings.mail_url:
        text = render_template("mail/request.txt", title=title(Kind(sent.kind)), reference=sent.public_id, due=sent.due_at)
        post(address, _("A request is due by %(day)s", day=sent.due_at.date().isoformat()), text, account_id=None)
