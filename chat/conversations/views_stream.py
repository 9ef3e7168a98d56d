"""The chat's acts for a page with JavaScript: the same form, answered by server-sent events."""

from collections.abc import Iterator

from flask import Response, jsonify, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from chat.accounts.sessions import current_account
from chat.conversations import answering, history
from chat.conversations.answering import Exchange
from chat.conversations.exchange import Act
from chat.conversations.forms import ChatForm
from chat.conversations.models import Conversation
from chat.conversations.page import model_name, render_storage, seal
from chat.conversations.present import TurnView, turn_view
from chat.conversations.stream import to_page
from chat.conversations.transcript import Transcript
from chat.conversations.views import ACTS, bp, check_guests, desk_of, parts_of, retry_after
from chat.kernel import clock
from chat.kernel.access import public
from chat.kernel.db import db
from chat.kernel.disconnect import client_socket, watcher
from chat.kernel.errors import NotFound, Problem
from chat.kernel.network import client_address
from chat.kernel.site import current_site
from chat.providers.current import current_catalogue


@bp.post(f"/chat/{ACTS}/stream")
@public
def stream(act: str) -> ResponseReturnValue:
    try:
        check_guests()
        form = ChatForm()
        begun = answering.begin(
            desk_of(form),
            Act(act),
            form.turn.data,
            parts_of(form),
            guest=client_address(),
            site=current_site(),
            catalogue=current_catalogue(),
        )
    except Problem as problem:
        db.session.rollback()
        return jsonify(code=problem.code, message=problem.message), problem.status, retry_after(problem)
    db.session.commit()
    response = Response(stream_with_context(_watched(begun)), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # or nginx holds the answer back until it is complete
    return response


def _watched(begun: Exchange) -> Iterator[bytes]:
    with watcher.watching(client_socket(request.environ), begun.cancel.set):
        yield from to_page(_accepted(begun), begun.events(), lambda: _ended(begun))


def _accepted(begun: Exchange) -> dict[str, object]:
    asked = begun.asked
    shown = [asked.transcript.get(asked.answer.parent), asked.answer] if asked.answer.parent else [asked.answer]
    turns = [turn_view(asked.transcript, turn, model_name, arriving=turn.id == asked.answer.id) for turn in shown]
    return {"html": _turns(turns), **_state(begun, asked.transcript, is_saved=begun.shelf is not None)}


def _ended(begun: Exchange) -> dict[str, object]:
    transcript = begun.transcript
    view = turn_view(transcript, transcript.get(begun.asked.answer.id), model_name)
    row = _row(begun) if begun.is_saved else None
    ended = {"html": _turns([view]), **_state(begun, transcript, is_saved=row is not None)}
    if begun.shelf is not None:
        # For a conversation in the page alone nothing changes: the line below the composer says so already.
        ended["storage"] = render_storage(current_account(), transcript, row)
    return ended


def _state(begun: Exchange, transcript: Transcript, *, is_saved: bool) -> dict[str, object]:
    """Return where the conversation lives now: under an address of its own, or sealed in the page."""
    if is_saved and begun.shelf is not None:
        public_id = begun.shelf.conversation_id
        return {"conversation": public_id, "url": url_for("conversations.saved", public_id=public_id)}
    return {"transcript": seal(transcript)}


def _row(begun: Exchange) -> Conversation | None:
    account = current_account()
    if account is None or begun.shelf is None:
        return None
    try:
        return history.get_conversation(account, begun.shelf.conversation_id, clock.now())
    except NotFound:
        return None


def _turns(turns: list[TurnView]) -> str:
    return render_template("conversations/_turns.html", turns=turns)
