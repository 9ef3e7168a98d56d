"""What the operator says to people: notices on every page, and news by mail to those who want it."""

from flask import Flask

from chat.accounts.mailings import add_kind
from chat.announcements import notices, updates, views
from chat.announcements.cli import notices as notices_commands
from chat.announcements.cli import updates as updates_commands
from chat.announcements.personal_data import STORES
from chat.kernel.banners import add_banners
from chat.kernel.feature import Feature


def _init(app: Flask) -> None:
    add_banners(app, notices.banners)
    add_kind(app, notices.KIND)
    add_kind(app, updates.KIND)
    # A mail program that unsubscribes its reader has no form of ours, and so no token.
    app.extensions["csrf"].exempt(views.leave)


FEATURE = Feature(
    name="announcements",
    blueprints=(views.bp,),
    stores=STORES,
    commands=(notices_commands, updates_commands),
    init=_init,
)
