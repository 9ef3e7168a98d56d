"""Accounts: people, how they sign in, and the mail that takes."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _l

from chat.accounts.cli import accounts
from chat.accounts.jobs import go_on_with_mailings, send_mail
from chat.accounts.mailings import MAILINGS_JOB
from chat.accounts.outbox import SEND_JOB
from chat.accounts.personal_data import STORES
from chat.accounts.security import set_up
from chat.accounts.views import bp
from chat.accounts.views_sign_in import wrap_views
from chat.kernel.feature import Feature, Job, MenuItem
from chat.kernel.site import Site


def _init(app: Flask) -> None:
    site: Site = app.extensions["candor"]
    set_up(app, site)
    wrap_views(app)


FEATURE = Feature(
    name="accounts",
    blueprints=(bp,),
    stores=STORES,
    jobs=(
        # Mail leaves right after it is written; this is for what a mail server would not take at first.
        Job(name=SEND_JOB, run=send_mail, every=timedelta(minutes=1)),
        Job(name=MAILINGS_JOB, run=go_on_with_mailings, every=timedelta(minutes=1)),
    ),
    commands=(accounts,),
    menu=(
        MenuItem(label=_l("Profile"), endpoint="accounts.profile"),
        MenuItem(label=_l("Security"), endpoint="accounts.security"),
    ),
    init=_init,
)
