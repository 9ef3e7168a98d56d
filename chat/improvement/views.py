"""Settings → Improvement: which of one's conversations were taken, and when."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from chat.accounts.sessions import get_current_account
from chat.consent import ledger
from chat.consent.gate import Reader
from chat.consent.purposes import Purpose
from chat.improvement.taken import list_taken
from chat.kernel import clock
from chat.kernel.access import signed_in
from chat.kernel.site import current_site

bp = Blueprint("improvement", __name__, url_prefix="/settings/improvement")


@bp.get("")
@signed_in
def listing() -> ResponseReturnValue:
    account = get_current_account()
    return render_template(
        "improvement/listing.html",
        taken=list_taken(account, Reader(account, current_site().keyring), clock.now()),
        is_on=ledger.allows(account, Purpose.IMPROVEMENT),
    )
