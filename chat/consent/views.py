"""Settings → Privacy: one switch for each purpose, objections, and the ledger's own history. The switch is the consent act."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.models import Account
from chat.accounts.sessions import get_current_account
from chat.consent import ledger
from chat.consent.ledger import Source, Subject
from chat.consent.present import OBJECTIONABLE, entry_view, objection_view, purpose_view
from chat.consent.purposes import INTERESTS, Interest, Purpose, offered
from chat.consent.views_cookies import note_switch
from chat.kernel import clock
from chat.kernel.access import even_frozen, not_frozen, signed_in
from chat.kernel.db import db, truncate_journal
from chat.kernel.errors import NotFound, Refused
from chat.kernel.personal_data import current_stores, delete_owned, stands_on
from chat.kernel.signals import has_privacy_signal
from chat.kernel.site import current_site

bp = Blueprint("consent", __name__, url_prefix="/settings/privacy")


@bp.get("")
@signed_in
def show() -> ResponseReturnValue:
    account, profile, stores = get_current_account(), current_site().profile, current_stores()
    entries, has_signal = ledger.list_entries(account), has_privacy_signal()
    asked = offered(profile.consents.offered)
    subjects: list[Subject] = [*INTERESTS, *(one for one in asked if one in OBJECTIONABLE)]
    return render_template(
        "settings/privacy.html",
        has_signal=has_signal,
        purposes=[
            purpose_view(one, entries, profile, stores, is_frozen=account.frozen_at is not None, has_signal=has_signal)
            for one in asked
        ],
        objections=[objection_view(one, entries) for one in subjects],
        entries=[entry_view(entry) for entry in reversed(entries)],
    )


@bp.post("/<purpose>/give")
@signed_in
@not_frozen
def give(purpose: str) -> ResponseReturnValue:
    chosen = _purpose(purpose)
    if chosen is Purpose.ANALYTICS and has_privacy_signal():
        raise Refused(_("Your browser sends Global Privacy Control. While it does, your visits are not counted."))
    account = get_current_account()
    ledger.give(account, chosen, Source.SETTINGS, clock.now())
    db.session.commit()
    flash(_("Switched on, and recorded below."), "success")
    response = redirect(url_for("consent.show"), 303)
    note_switch(response, account)
    return response


@bp.post("/<purpose>/withdraw")
@signed_in
@even_frozen
def withdraw(purpose: str) -> ResponseReturnValue:
    account, chosen = get_current_account(), _purpose(purpose)
    ledger.withdraw(account, chosen, Source.SETTINGS, clock.now())
    return _end(
        account, chosen, _("Switched off. Nothing more is stored."), _("Switched off. What was stored under it was deleted.")
    )


@bp.post("/<purpose>/object")
@signed_in
@even_frozen
def object_to(purpose: str) -> ResponseReturnValue:
    account, chosen = get_current_account(), _objectionable(purpose)
    ledger.object_to(account, chosen, Source.OBJECTION, clock.now())
    return _end(
        account,
        chosen,
        _("Your objection is recorded, and holds from now on."),
        _("Your objection is recorded. What was stored under it was deleted."),
    )


@bp.post("/<purpose>/take-back")
@signed_in
@not_frozen
def take_back(purpose: str) -> ResponseReturnValue:
    chosen = _objectionable(purpose)
    if not isinstance(chosen, Interest):
        raise NotFound(_("This rests on your consent: its switch is the place to allow it."))
    ledger.take_back(get_current_account(), chosen, clock.now())
    db.session.commit()
    flash(_("You object no longer."), "success")
    return redirect(url_for("consent.show"), 303)


def _end(account: Account, subject: Subject, kept: str, deleted: str) -> ResponseReturnValue:
    """Reach what was stored under `subject` in the same transaction as the person's no, unless they let it expire."""
    gone = 0
    if request.form.get("stored") != "expire":
        gone = sum(delete_owned(store, account.id) for store in current_stores() if stands_on(store, subject))
    db.session.commit()
    if gone:
        truncate_journal()
    flash(deleted if gone else kept, "success")
    response = redirect(url_for("consent.show"), 303)
    note_switch(response, account)
    return response


def _purpose(name: str) -> Purpose:
    found = next((one for one in offered(current_site().profile.consents.offered) if one == name), None)
    if found is None:
        raise NotFound(_("This site does not ask for that."))
    return found


def _objectionable(name: str) -> Subject:
    if name in INTERESTS:
        return Interest(name)
    found = _purpose(name)
    if found not in OBJECTIONABLE:
        raise NotFound(_("There is nothing to object to: it is off unless you switch it on."))
    return found
