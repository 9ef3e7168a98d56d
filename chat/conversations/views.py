"""The chat's pages and acts as plain form posts: everything here works without JavaScript."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.models import Account
from chat.accounts.sessions import current_account, get_current_account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import WORDINGS, Purpose
from chat.conversations import answering, exchange, history
from chat.conversations.answering import Exchange
from chat.conversations.attachments import read_attachments
from chat.conversations.desk import Desk, clean, open_desk, open_saved
from chat.conversations.exchange import Act
from chat.conversations.forms import ChatForm, read_chat_form
from chat.conversations.models import Conversation
from chat.conversations.page import page_session, render_chat, render_thread
from chat.conversations.transcript import Transcript
from chat.inference.demands import allowed_for
from chat.kernel import clock
from chat.kernel.access import answers_frozen, even_frozen, not_frozen, public, signed_in
from chat.kernel.db import db, truncate_journal
from chat.kernel.errors import NotFound, Problem, Refused, TooMany
from chat.kernel.network import client_address
from chat.kernel.site import current_site
from chat.providers.base import Part, Text
from chat.providers.current import current_catalogue

bp = Blueprint("conversations", __name__)

ACTS = "<any(send, edit, regenerate, continue):act>"


@bp.get("/")
@public
def new() -> ResponseReturnValue:
    account = current_account()
    allowed = allowed_for(account, current_catalogue().list_models())
    return render_chat(account, Transcript(model=allowed[0].id if allowed else ""), None, problem=turned_away())


@bp.get("/c/<public_id>")
@signed_in
def saved(public_id: str) -> ResponseReturnValue:
    account = get_current_account()
    row, transcript = open_saved(account, public_id, current_site())
    return render_chat(account, transcript, row)


@bp.post(f"/chat/{ACTS}")
@public
@answers_frozen
def take(act: str) -> ResponseReturnValue:
    check_guests()
    form = posted_form()
    desk = desk_of(form)
    try:
        begun = begin(desk, Act(act), form)
    except Problem as problem:
        db.session.rollback()
        page = render_chat(desk.account, desk.transcript, _row_now(desk, form), draft=form.text, problem=problem.message)
        page.status_code = problem.status
        page.headers.update(retry_after(problem))
        return page
    db.session.commit()
    for _event in begun.events():
        pass  # without JavaScript the page is written when the answer is complete
    if begun.shelf is not None and begun.is_saved:
        return redirect(url_for("conversations.saved", public_id=begun.shelf.conversation_id, _anchor="latest"), 303)
    return render_chat(current_account(), begun.transcript, None)


@bp.post("/chat/switch")
@public
@even_frozen
def switch() -> ResponseReturnValue:
    form = posted_form()
    desk = desk_of(form)
    shown = answering.show(desk, form.turn)
    db.session.commit()
    return show(desk, shown, desk.row)


@bp.post("/chat/remove")
@public
@even_frozen
def remove() -> ResponseReturnValue:
    form = posted_form()
    desk = desk_of(form)
    rest = answering.remove(desk, form.turn)
    db.session.commit()
    if desk.row is not None:
        truncate_journal()
    return show(desk, rest, desk.row)


@bp.post("/chat/save")
@signed_in
@not_frozen
def save() -> ResponseReturnValue:
    form, account, site = posted_form(), get_current_account(), current_site()
    desk = desk_of(form)
    if not site.profile.features.history:
        raise Refused(_("This site does not keep conversations."))
    if desk.row is None and not desk.transcript.turns and desk.transcript.is_private:
        # Nothing to store yet; the first message will be.
        return render_chat(account, Transcript(model=desk.transcript.model), None)
    if not ledger.allows(account, Purpose.HISTORY):
        agree(account, Purpose.HISTORY, form.consent, Source.SAVE_BUTTON)
    if desk.row is None and not desk.transcript.turns:
        db.session.commit()
        return redirect(url_for("conversations.new"), 303)
    public_id = desk.row.public_id if desk.row else exchange.save(account, desk.transcript, site, clock.now())
    db.session.commit()
    flash(_("Saved. You find it among your conversations."), "success")
    return redirect(url_for("conversations.saved", public_id=public_id), 303)


@bp.post("/chat/dont-save")
@signed_in
@even_frozen
def dont_save() -> ResponseReturnValue:
    desk = desk_of(posted_form())
    private = answering.make_private(desk)
    db.session.commit()
    if desk.row is not None:
        truncate_journal()
        flash(_("Deleted from your history. This conversation now lives in this page alone."), "success")
    return render_chat(desk.account, private, None)


def posted_form() -> ChatForm:
    """Return what this request posted. Raises Problem when its shape is wrong."""
    return read_chat_form(request.form, request.files, editing=request.path.startswith("/chat/edit"))


def desk_of(form: ChatForm) -> Desk:
    """Return the conversation that the posted form is about."""
    return open_desk(form.posted, current_account(), page_session(), current_site())


def begin(desk: Desk, act: Act, form: ChatForm) -> Exchange:
    """Return the form's question ready to be asked. Raises Problem."""
    return answering.begin(
        desk,
        act,
        form.turn,
        parts_of(form),
        guest=client_address(),
        site=current_site(),
        catalogue=current_catalogue(),
    )


def parts_of(form: ChatForm) -> tuple[Part, ...]:
    """Return what the person wrote and attached, files first. Raises Problem for a file that cannot be read."""
    words = clean(form.text).strip()
    profile = current_site().profile
    if form.uploads and not profile.features.files:
        raise Refused(_("This site does not take files."))
    files = read_attachments(form.uploads, limits=profile.limits) if form.uploads else ()
    return (*files, *((Text(words),) if words else ()))


def retry_after(problem: Problem) -> dict[str, str]:
    """Return the header that says when it is worth trying again, where a limit was reached."""
    return {"Retry-After": str(problem.retry_after)} if isinstance(problem, TooMany) else {}


def turned_away() -> str | None:
    """Return what to tell a visitor without an account on a site that wants one."""
    if current_account() is None and not current_site().profile.sign_in.guests:
        return str(_("Please sign in to chat on this site."))
    return None


def check_guests() -> None:
    """Raise Refused where such a visitor asks."""
    if reason := turned_away():
        raise Refused(reason)


def agree(account: Account, purpose: Purpose, revision: str, source: Source) -> None:
    """Record the consent that the pressed button is, if the person was shown the words that are in force."""
    if revision.strip() != str(WORDINGS[purpose].revision):
        raise Refused(_("Please agree first: “%(title)s”. The words stand beside the button.", title=WORDINGS[purpose].title))
    ledger.give(account, purpose, source, clock.now())


def _row_now(desk: Desk, form: ChatForm) -> Conversation | None:
    """Return the conversation's row, if another tab has not deleted it meanwhile."""
    if desk.account is None or desk.row is None:
        return None
    try:
        return history.get_conversation(desk.account, form.posted.conversation, clock.now())
    except NotFound:
        return None


def show(desk: Desk, transcript: Transcript, row: Conversation | None) -> Response:
    """Return the thread alone where the page's script asks for it, else the whole page."""
    if request.headers.get("X-Fragment") == "thread":
        return render_thread(desk.account, transcript, row)
    return render_chat(desk.account, transcript, row)
