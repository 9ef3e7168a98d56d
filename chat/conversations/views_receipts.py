"""A data receipt to take away: JSON, signed, as docs/receipts.md describes it."""

import json

from flask import Response
from flask.typing import ResponseReturnValue

from chat.conversations import history
from chat.conversations.desk import Desk
from chat.conversations.transcript import Turn
from chat.conversations.views import bp, desk_of, posted_form
from chat.inference.receipts import NOTHING, Stored, amended, notary_of
from chat.kernel import clock
from chat.kernel.access import even_frozen, public
from chat.kernel.errors import NotFound
from chat.kernel.site import current_site


@bp.post("/chat/receipt/<int:number>")
@public
@even_frozen
def receipt(number: int) -> ResponseReturnValue:
    """Return the posted turn's receipt of that number, counted from 0, with what is stored at this moment."""
    form = posted_form()
    desk = desk_of(form)
    turn = desk.transcript.get(form.turn)
    if number >= len(turn.receipts):
        raise NotFound("There is no such receipt: the answer is older than receipts, or it was asked again.")
    issued = amended(turn.receipts[number], _stored_now(desk, turn), clock.now(), notary_of(current_site()))
    response = Response(json.dumps(issued, indent=2, ensure_ascii=False) + "\n", mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{turn.id}-{number}.json"'
    return response


def _stored_now(desk: Desk, turn: Turn) -> Stored:
    """Return what the database holds of it, also where the page took a conversation over. Nothing of a guest's ever is."""
    return history.stored_of(turn) if desk.account is not None else NOTHING
