"""Settings → Import: a file is read, shown, and only then stored. Between the two steps the page alone has what was read."""

import time

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.models import Account
from chat.accounts.sessions import get_current_account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations.importing.carrying import pack, unpack
from chat.conversations.importing.found import CannotImport
from chat.conversations.importing.reading import read_upload
from chat.conversations.importing.storing import Report, count_known, store
from chat.conversations.keeping import days_of, keep_for
from chat.conversations.page import page_session
from chat.conversations.present import storage_view
from chat.conversations.present_import import preview_view
from chat.conversations.views import agree, bp
from chat.kernel import clock
from chat.kernel.access import not_frozen, signed_in
from chat.kernel.db import db
from chat.kernel.errors import Problem, Refused
from chat.kernel.site import current_site

# Reading a large file is work.
_FILES = "60/hour"


@bp.get("/settings/import")
@signed_in
def choose_import() -> ResponseReturnValue:
    return render_template("conversations/import.html", problem=None, offered=current_site().profile.features.history)


@bp.post("/settings/import/preview")
@signed_in
@not_frozen
def preview_import() -> ResponseReturnValue:
    account, site, now = get_current_account(), current_site(), clock.now()
    _check_offered()
    site.limits.hit(_FILES, "import", account.public_id)
    upload = request.files.get("file")
    try:
        if upload is None or not upload.filename:
            raise CannotImport(_("No file was chosen. Choose one first."))
        reading = read_upload(upload.read(), now)
        carried = pack(reading, site.page_key, _bound(account))
    except Problem as problem:
        page = render_template("conversations/import.html", problem=problem.message, offered=True)
        return page, problem.status
    consented = ledger.allows(account, Purpose.HISTORY)
    return render_template(
        "conversations/import_preview.html",
        preview=preview_view(reading, known=count_known(account, reading)),
        carried=carried,
        storage=storage_view(site.profile, state="not_stored", consented=consented, keep_days=days_of(account, site.profile)),
    )


@bp.post("/settings/import")
@signed_in
@not_frozen
def take_import() -> ResponseReturnValue:
    account, site, now = get_current_account(), current_site(), clock.now()
    _check_offered()
    reading = unpack(request.form.get("carried", ""), site.page_key, _bound(account))
    if not ledger.allows(account, Purpose.HISTORY):
        agree(account, Purpose.HISTORY, request.form.get("consent", ""), Source.IMPORT)
        db.session.commit()
    report = Report()
    for one in reading.conversations:
        # Each on its own: what was stored before a failure is whole, and importing again goes on from there.
        if store(account, reading.kind, one, site.keyring, keep_for(account, None, site.profile), now):
            report.stored += 1
        else:
            report.known += 1
        db.session.commit()
        time.sleep(0)  # lets the other requests of this worker go on
    return render_template("conversations/import_report.html", report=report, left_out=sorted(reading.left_out.items()))


def _check_offered() -> None:
    if not current_site().profile.features.history:
        raise Refused(_("This site does not keep conversations."))


def _bound(account: Account) -> str:
    return f"import/{account.public_id}/{page_session()}"
