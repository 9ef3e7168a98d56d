"""Settings → Usage → one request: its data receipt, as a page and as the signed JSON."""

import json

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from chat.accounts.sessions import get_current_account
from chat.gateway.present_usage import receipt_view
from chat.gateway.receipts import get_receipt
from chat.inference.receipts import notary_of
from chat.kernel import clock
from chat.kernel.access import signed_in
from chat.kernel.signing import Document
from chat.kernel.site import current_site

bp = Blueprint("api_receipts", __name__, url_prefix="/settings/usage/receipts")


@bp.get("/<receipt_id>")
@signed_in
def show(receipt_id: str) -> ResponseReturnValue:
    return render_template("gateway/receipt.html", receipt=receipt_view(_receipt(receipt_id)))


@bp.get("/<receipt_id>.json")
@signed_in
def download(receipt_id: str) -> ResponseReturnValue:
    text = json.dumps(_receipt(receipt_id), indent=2, ensure_ascii=False) + "\n"
    headers = {"Content-Disposition": f'attachment; filename="receipt-{receipt_id}.json"'}
    return Response(text, mimetype="application/json", headers=headers)


def _receipt(receipt_id: str) -> Document:
    return get_receipt(receipt_id, get_current_account().id, notary_of(current_site()), clock.now())
