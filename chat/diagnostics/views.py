"""Settings → Diagnostics: the answers that failed while the person wanted copies of such, to read and to delete."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.sessions import get_current_account
from chat.consent import ledger
from chat.consent.gate import Reader
from chat.consent.purposes import Purpose
from chat.diagnostics import failures
from chat.diagnostics.present import failure_view, opened_view
from chat.kernel import clock
from chat.kernel.access import even_frozen, signed_in
from chat.kernel.db import db, truncate_journal
from chat.kernel.site import current_site
from chat.providers.current import current_catalogue

bp = Blueprint("diagnostics", __name__, url_prefix="/settings/diagnostics")


@bp.get("")
@signed_in
def listing() -> ResponseReturnValue:
    account, catalogue = get_current_account(), current_catalogue()
    return render_template(
        "diagnostics/listing.html",
        failures=[failure_view(row, catalogue) for row in failures.list_failures(account, clock.now())],
        is_on=ledger.allows(account, Purpose.DIAGNOSTICS),
        days=current_site().profile.retention.diagnostics,
    )


@bp.get("/<public_id>")
@signed_in
def read(public_id: str) -> ResponseReturnValue:
    account, site = get_current_account(), current_site()
    row = failures.get_failure(account, public_id, clock.now())
    opened = failures.open_failure(row, Reader(account, site.keyring))
    return render_template("diagnostics/read.html", failure=failure_view(row, current_catalogue()), opened=opened_view(opened))


@bp.post("/<public_id>/remove")
@signed_in
@even_frozen
def delete(public_id: str) -> ResponseReturnValue:
    failures.delete(failures.get_failure(get_current_account(), public_id, clock.now()))
    db.session.commit()
    truncate_journal()
    flash(_("The copy was deleted."), "success")
    return redirect(url_for("diagnostics.listing"), 303)


@bp.post("/remove-all")
@signed_in
@even_frozen
def delete_all() -> ResponseReturnValue:
    failures.delete_all(get_current_account())
    db.session.commit()
    truncate_journal()
    flash(_("All copies were deleted."), "success")
    return redirect(url_for("diagnostics.listing"), 303)
