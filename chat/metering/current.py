"""The running application's clerk."""

from flask import Flask, current_app

from chat.kernel.db import db
from chat.metering.clerk import Clerk

_EXTENSION = "candor_clerk"


def mount_clerk(app: Flask) -> None:
    """Give the application its clerk. Its thread starts with the first act."""
    with app.app_context():
        app.extensions[_EXTENSION] = Clerk(db.engine)


def current_clerk() -> Clerk:
    """Return the clerk of the running application."""
    clerk: Clerk = current_app.extensions[_EXTENSION]
    return clerk
