"""The running application's clerk, and its pulse."""

from flask import Flask, current_app

from chat.kernel.db import db
from chat.metering.clerk import Clerk
from chat.metering.pulse import Pulse

_EXTENSION = "candor_clerk"
_PULSE = "candor_pulse"


def mount_clerk(app: Flask) -> None:
    """Give the application its clerk and its pulse. Their threads start with the first act."""
    with app.app_context():
        clerk = app.extensions[_EXTENSION] = Clerk(db.engine)
    app.extensions[_PULSE] = Pulse(clerk.post)


def current_clerk() -> Clerk:
    """Return the clerk of the running application."""
    clerk: Clerk = current_app.extensions[_EXTENSION]
    return clerk


def current_pulse() -> Pulse:
    """Return the pulse of the running application."""
    pulse: Pulse = current_app.extensions[_PULSE]
    return pulse
