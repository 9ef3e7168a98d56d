"""Who is counted, and when: a page that opened, of somebody who said yes and whose browser does not object."""

from flask import Flask, Response, current_app, request

from chat.accounts.sessions import current_account
from chat.analytics.counts import Waiting, write
from chat.consent.cookies import Choice, asked_for, may
from chat.consent.purposes import Purpose
from chat.kernel import clock
from chat.kernel.cookies import CHOICE
from chat.kernel.db import db
from chat.kernel.signals import has_privacy_signal
from chat.kernel.site import current_site

_EXTENSION = "candor_page_counts"


def count_pages(app: Flask) -> None:
    """Count the pages of `app`, where its profile asks people for that; elsewhere nothing is even looked at."""
    with app.app_context():
        if Purpose.ANALYTICS not in asked_for(current_site().profile):
            return
    app.extensions[_EXTENSION] = Waiting()
    app.after_request(_count)


def _count(response: Response) -> Response:
    opened = request.method == "GET" and response.status_code == 200 and response.mimetype == "text/html"
    if opened and request.endpoint and _agreed():
        waiting: Waiting = current_app.extensions[_EXTENSION]
        if waiting.add(request.endpoint, clock.now()):
            write(waiting.take())
            db.session.commit()
    return response


def _agreed() -> bool:
    """Whether this person said yes to being counted. A guest who chose nothing costs no question to the database."""
    if has_privacy_signal():
        return False
    choice = Choice.parse(request.cookies.get(CHOICE.name, ""))
    return may(Purpose.ANALYTICS, current_account(), choice, current_site().profile, has_signal=False)
