"""For how long conversations are kept: chosen for all of them in the settings, and for one of them on its own page."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from chat.accounts.sessions import get_current_account
from chat.conversations import history, keeping
from chat.conversations.forms import KeepForm
from chat.conversations.present import offer_views, span
from chat.conversations.views import bp
from chat.kernel import clock
from chat.kernel.access import not_frozen, signed_in
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Problem
from chat.kernel.kicks import kick
from chat.kernel.site import current_site

# The purge takes what has just ended at once, not only at its next turn. A name, since no feature knows another's jobs.
_PURGE_JOB = "retention.purge"


@bp.get("/settings/history")
@signed_in
def keep() -> ResponseReturnValue:
    account, profile = get_current_account(), current_site().profile
    if not profile.features.history:
        raise NotFound(_("This site keeps no conversations."))
    offers = keeping.list_offers(account, profile, clock.now())
    return render_template(
        "settings/history.html",
        offers=offer_views(offers, chosen=keeping.days_of(account, profile), profile=profile),
        longest=span(profile.retention.history_longest),
    )


@bp.post("/settings/history")
@signed_in
@not_frozen
def choose_keep() -> ResponseReturnValue:
    account, profile = get_current_account(), current_site().profile
    if not profile.features.history:
        raise NotFound(_("This site keeps no conversations."))
    gone = keeping.choose(account, _days(), profile, clock.now())
    db.session.commit()
    kick(_PURGE_JOB)
    flash(_("Chosen. Saved conversations go by it from now on."), "success")
    if gone:
        one, many = "%(num)d conversation was older and is gone.", "%(num)d conversations were older and are gone."
        flash(ngettext(one, many, gone), "success")
    return redirect(url_for("conversations.keep"), 303)


@bp.post("/c/<public_id>/keep")
@signed_in
@not_frozen
def keep_one(public_id: str) -> ResponseReturnValue:
    account, now = get_current_account(), clock.now()
    conversation = history.get_conversation(account, public_id, now)
    form = KeepForm()
    own = None if form.days.raw_data in ([""], [], None) else _days()
    keeping.choose_for(account, conversation, own, current_site().profile)
    is_over = conversation.expires_at <= now
    db.session.commit()
    if is_over:
        kick(_PURGE_JOB)
        flash(_("Its last message is older than that: the conversation is gone."), "success")
        return redirect(url_for("conversations.new"), 303)
    flash(_("Chosen for this conversation."), "success")
    return redirect(url_for("conversations.saved", public_id=public_id), 303)


def _days() -> int:
    form = KeepForm()
    if not form.validate() or form.days.data is None:
        raise Problem(_("Choose for how long, in days."))
    days: int = form.days.data
    return days
