"""Thumbs on the answers of saved conversations. Where the consent is not given yet, the button beside its words gives it."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.sessions import get_current_account
from chat.consent import gate, ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose, offered
from chat.conversations import feedback, history
from chat.conversations.desk import clean
from chat.conversations.feedback import LONGEST_NOTE, Verdict
from chat.conversations.views import agree, bp, desk_of, posted_form, show
from chat.kernel import clock
from chat.kernel.access import even_frozen, not_frozen, signed_in
from chat.kernel.db import db, truncate_journal
from chat.kernel.errors import NotFound, Problem
from chat.kernel.site import current_site


@bp.post("/chat/rate/<turn>/<any(up, down):verdict>")
@signed_in
@not_frozen
def rate(turn: str, verdict: str) -> ResponseReturnValue:
    form, account, site = posted_form(), get_current_account(), current_site()
    if Purpose.IMPROVEMENT not in offered(site.profile.consents.offered):
        raise NotFound(_("This site does not ask for that."))
    desk = desk_of(form)
    if desk.row is None:
        raise NotFound(_("Only answers of saved conversations can be rated."))
    if not ledger.allows(account, Purpose.IMPROVEMENT):
        agree(account, Purpose.IMPROVEMENT, form.consent, Source.THUMB)
    permit = gate.issue(account, Purpose.IMPROVEMENT, site.keyring)
    history.hold(desk.row)
    feedback.rate(permit, desk.row, turn, Verdict(verdict), note=_note(turn), now=clock.now())
    db.session.commit()
    return show(desk, desk.transcript, desk.row)


@bp.post("/chat/rate/<turn>/none")
@signed_in
@even_frozen
def take_back(turn: str) -> ResponseReturnValue:
    desk = desk_of(posted_form())
    if desk.row is None:
        raise NotFound(_("Only answers of saved conversations can be rated."))
    feedback.take_back(desk.row, turn)
    db.session.commit()
    truncate_journal()
    return show(desk, desk.transcript, desk.row)


def _note(turn: str) -> str | None:
    """Return the note of the form, or None where the page had no field for one."""
    note = request.form.get(f"note-{turn}")
    if note is not None and len(note) > LONGEST_NOTE:
        raise Problem(_("The note is longer than %(most)d characters. Please shorten it.", most=LONGEST_NOTE))
    return None if note is None else clean(note)
