"""Settings → Privacy: one switch for each purpose, and the ledger's own history. The switch is the consent act."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.sessions import get_current_account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.present import entry_view, purpose_view
from chat.consent.purposes import Purpose, offered
from chat.kernel import clock
from chat.kernel.access import signed_in
from chat.kernel.db import db, truncate_journal
from chat.kernel.errors import NotFound
from chat.kernel.personal_data import current_stores, delete_owned
from chat.kernel.site import current_site

bp = Blueprint("consent", __name__, url_prefix="/settings/privacy")


@bp.get("")
@signed_in
def show() -> ResponseReturnValue:
    account, profile = get_current_account(), current_site().profile
    return render_template(
        "settings/privacy.html",
        purposes=[purpose_view(purpose, account, profile) for purpose in offered(profile.consents.offered)],
        entries=[entry_view(entry) for entry in reversed(ledger.list_entries(account))],
    )


@bp.post("/<purpose>/give")
@signed_in
def give(purpose: str) -> ResponseReturnValue:
    ledger.give(get_current_account(), _purpose(purpose), Source.SETTINGS, clock.now())
    db.session.commit()
    flash(_("Switched on, and recorded below."), "success")
    return redirect(url_for("consent.show"), 303)


@bp.post("/<purpose>/withdraw")
@signed_in
def withdraw(purpose: str) -> ResponseReturnValue:
    account, chosen = get_current_account(), _purpose(purpose)
    ledger.withdraw(account, chosen, Source.SETTINGS, clock.now())
    gone = 0
    if request.form.get("stored") != "expire":
        gone = sum(delete_owned(store, account.id) for store in current_stores() if store.purpose == chosen)
    db.session.commit()
    if gone:
        truncate_journal()
        flash(_("Switched off. What was stored under it was deleted."), "success")
    else:
        flash(_("Switched off. Nothing more is stored."), "success")
    return redirect(url_for("consent.show"), 303)


def _purpose(name: str) -> Purpose:
    found = next((one for one in offered(current_site().profile.consents.offered) if one == name), None)
    if found is None:
        raise NotFound(_("This site does not ask for that."))
    return found
