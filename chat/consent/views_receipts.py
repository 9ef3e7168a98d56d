"""What one may take away: the whole ledger, and a receipt for each entry, as signed JSON files."""

import json

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.sessions import get_current_account
from chat.consent import ledger, receipts
from chat.consent.records import Circumstances
from chat.kernel import clock
from chat.kernel.access import signed_in
from chat.kernel.errors import NotFound
from chat.kernel.personal_data import current_stores
from chat.kernel.signing import Document
from chat.kernel.site import current_site

bp = Blueprint("receipts", __name__, url_prefix="/settings/privacy")


@bp.get("/consents.json")
@signed_in
def whole() -> ResponseReturnValue:
    account = get_current_account()
    entries = ledger.list_entries(account)
    document = receipts.ledger_of(account, entries, _circumstances(), current_site().signing, clock.now())
    return _file(document, "consents.json")


@bp.get("/consents/<int:sequence>.json")
@signed_in
def one(sequence: int) -> ResponseReturnValue:
    account = get_current_account()
    entries = ledger.list_entries(account)
    entry = next((one for one in entries if one.sequence == sequence), None)
    if entry is None:
        raise NotFound(_("There is no such entry in your ledger."))
    document = receipts.receipt_of(account, entries, entry, _circumstances(), current_site().signing, clock.now())
    return _file(document, f"consent-{sequence}.json")


def _circumstances() -> Circumstances:
    site = current_site()
    url = site.settings.chat_public_url or request.url_root.rstrip("/")
    return Circumstances(profile=site.profile, url=url, stores=current_stores())


def _file(document: Document, name: str) -> Response:
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return Response(text, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'})
