"""The chat's acts for a page with JavaScript: the same form, answered by server-sent events."""

import logging
from collections.abc import Iterator
from datetime import datetime

from flask import Response, jsonify, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from chat.accounts.models import Account
from chat.conversations import history, keeping
from chat.conversations.answering import Exchange
from chat.conversations.exchange import Act, Shelf
from chat.conversations.models import Conversation
from chat.conversations.page import model_name, ratings, render_entry, render_storage, seal
from chat.conversations.present import TurnView, turn_view
from chat.conversations.stream import to_page
from chat.conversations.transcript import Transcript, Turn
from chat.conversations.views import ACTS, begin, bp, check_guests, desk_of, posted_form, retry_after
from chat.kernel import clock
from chat.kernel.access import answers_frozen, public
from chat.kernel.closing import closing
from chat.kernel.db import db
from chat.kernel.disconnect import client_socket, watcher
from chat.kernel.errors import NotFound, Problem
from chat.kernel.site import current_site

log = logging.getLogger("chat.conversations")


@bp.post(f"/chat/{ACTS}/stream")
@public
@answers_frozen
def stream(act: str) -> ResponseReturnValue:
    try:
        check_guests()
        form = posted_form()
        begun = begin(desk_of(form), Act(act), form)
    except Problem as problem:
        db.session.rollback()
        return jsonify(code=problem.code, message=problem.message), problem.status, retry_after(problem)
    if db.session.registry.has():  # else nothing was asked of the database, and there is no transaction to end
        db.session.commit()
    response = Response(stream_with_context(_watched(begun)), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # or nginx holds the answer back until it is complete
    return response


def _watched(begun: Exchange) -> Iterator[bytes]:
    try:
        end = begun.cancel.set
        # A server that ends stops the answer as its reader would: what came is kept where answers are kept, and shown.
        with watcher.watching(client_socket(request.environ), end), closing.ending(end):
            yield from to_page(_accepted(begun), begun.events(), lambda: _ended(begun))
    except Exception as error:
        # The headers are out, so no error page can follow: a stream that ends early makes the page keep what came.
        log.error("a stream broke", exc_info=error)  # noqa: TRY400  # the server around would log it without its place


def _accepted(begun: Exchange) -> dict[str, object]:
    asked = begun.asked
    shown = [asked.transcript.get(asked.answer.parent), asked.answer] if asked.answer.parent else [asked.answer]
    turns = [turn_view(asked.transcript, turn, model_name, None, arriving=turn.id == asked.answer.id) for turn in shown]
    return {"html": _turns(turns), **_state(begun, asked.transcript, is_saved=begun.shelf is not None)}


def _ended(begun: Exchange) -> dict[str, object]:
    transcript = begun.transcript
    turn = transcript.get(begun.asked.answer.id)
    if begun.shelf is None:
        return {"html": _turns([turn_view(transcript, turn, model_name, None)]), **_state(begun, transcript, is_saved=False)}
    # The account of the request belongs to a database session that ended with the response's first byte.
    account = db.session.get(Account, begun.shelf.account_id)
    row = _row(account, begun.shelf) if begun.is_saved else None
    view = turn_view(transcript, turn, model_name, _kept_until(turn, row), ratings=ratings(account, row))
    ended = {"html": _turns([view]), **_state(begun, transcript, is_saved=row is not None)}
    ended["storage"] = render_storage(account, transcript, row)
    if account is not None and row is not None:
        ended["entry"] = render_entry(account, row)
    return ended


def _kept_until(turn: Turn, row: Conversation | None) -> datetime | None:
    """Return when what is stored of it goes: a question may stay, until its time, after its answer may not be added."""
    if row is not None:
        return keeping.ends_at(row, current_site().profile)
    return max((until for _rows, until in history.stored_of(turn).rows.values()), default=None)


def _state(begun: Exchange, transcript: Transcript, *, is_saved: bool) -> dict[str, object]:
    """Return where the conversation lives now: under an address of its own, or sealed in the page."""
    if is_saved and begun.shelf is not None:
        public_id = begun.shelf.conversation_id
        return {"conversation": public_id, "url": url_for("conversations.saved", public_id=public_id)}
    return {"transcript": seal(transcript)}


def _row(account: Account | None, shelf: Shelf) -> Conversation | None:
    if account is None:
        return None
    try:
        return history.get_conversation(account, shelf.conversation_id, clock.now())
    except NotFound:
        return None


def _turns(turns: list[TurnView]) -> str:
    return render_template("conversations/_turns.html", turns=turns)
