"""A person's saved conversations: listed, searched, renamed, pinned, deleted."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from chat.accounts.sessions import get_current_account
from chat.consent import gate
from chat.consent.gate import Reader
from chat.consent.purposes import Purpose
from chat.conversations import history, titling
from chat.conversations.desk import clean
from chat.conversations.forms import SearchForm, TitleForm
from chat.conversations.present import day_views
from chat.conversations.queries import list_conversations
from chat.conversations.search import search
from chat.conversations.views import bp
from chat.kernel import clock
from chat.kernel.access import even_frozen, not_frozen, signed_in
from chat.kernel.db import db, truncate_journal
from chat.kernel.pages import is_local
from chat.kernel.site import current_site
from chat.providers.current import current_catalogue


@bp.get("/history")
@signed_in
def listing() -> ResponseReturnValue:
    reader, now = _reader(), clock.now()
    listed = list_conversations(get_current_account(), reader, now, before=request.args.get("before"))
    older = url_for("conversations.listing", before=listed.older) if listed.older else None
    return render_template("conversations/history.html", days=day_views(listed, current_site().profile, now), older_url=older)


@bp.post("/history/search")
@signed_in
@even_frozen
def find() -> ResponseReturnValue:
    # By POST: a search is content, and a query string would leave it in logs and in the browser's history.
    form, reader = SearchForm(), _reader()
    query = (form.query.data or "") if form.validate() else ""
    found = search(get_current_account(), reader, query, clock.now())
    return render_template("conversations/search.html", query=query, found=found)


@bp.post("/c/<public_id>/rename")
@signed_in
@not_frozen
def rename(public_id: str) -> ResponseReturnValue:
    account, form = get_current_account(), TitleForm()
    conversation = history.get_conversation(account, public_id, clock.now())
    permit = gate.issue(account, Purpose.HISTORY, current_site().keyring)
    history.rename(permit, conversation, clean(form.title.data or "") if form.validate() else "")
    db.session.commit()
    return _back(public_id)


@bp.post("/c/<public_id>/title")
@signed_in
@not_frozen
def ask_title(public_id: str) -> ResponseReturnValue:
    naming = titling.begin(get_current_account(), public_id, current_site(), current_catalogue(), clock.now())
    db.session.commit()
    naming.ask()
    flash(_("The model gave this conversation a title."), "success")
    return _back(public_id)


@bp.post("/c/<public_id>/pin")
@signed_in
@not_frozen
def pin(public_id: str) -> ResponseReturnValue:
    conversation = history.get_conversation(get_current_account(), public_id, clock.now())
    history.pin(conversation, pinned=request.form.get("pinned") == "yes")
    db.session.commit()
    return _back(public_id)


@bp.post("/c/<public_id>/remove")
@signed_in
@even_frozen
def delete(public_id: str) -> ResponseReturnValue:
    gone = history.delete(history.get_conversation(get_current_account(), public_id, clock.now()))
    db.session.commit()
    truncate_journal()
    flash(
        ngettext(
            "The conversation was deleted. Its %(num)d message went with it.",
            "The conversation was deleted. Its %(num)d messages went with it.",
            gone,
        ),
        "success",
    )
    back = request.form.get("back")
    return redirect(back if back and is_local(back) and public_id not in back else url_for("conversations.new"), 303)


def _reader() -> Reader:
    return Reader(get_current_account(), current_site().keyring)


def _back(public_id: str) -> ResponseReturnValue:
    back = request.form.get("back")
    return redirect(back if back and is_local(back) else url_for("conversations.saved", public_id=public_id), 303)
