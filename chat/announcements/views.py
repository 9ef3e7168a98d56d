"""The way out of the news: a page with a button for people, and the same address for their mail program (RFC 8058)."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from chat.announcements.updates import open_token, unsubscribe
from chat.kernel import clock
from chat.kernel.access import even_frozen, public
from chat.kernel.db import db
from chat.kernel.site import current_site

bp = Blueprint("announcements", __name__, url_prefix="/news")


@bp.route("/unsubscribe/<token>", methods=["GET", "POST"], endpoint="unsubscribe")
@public
@even_frozen
def leave(token: str) -> ResponseReturnValue:
    # Looking changes nothing: mail scanners follow links. Posting asks for no session and no form token, which a mail
    # program has not: the link itself is the secret, and all that it opens is this.
    is_done = request.method == "POST"
    if is_done:
        unsubscribe(token, clock.now())
        db.session.commit()
    else:
        open_token(token, current_site().secret)
    return render_template("announcements/unsubscribe.html", token=token, is_done=is_done)
