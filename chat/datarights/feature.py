"""Data rights: what a person may do with what is held about them. It reads declarations and names no table of a feature."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _l

from chat.datarights.cli import accounts
from chat.datarights.jobs import ERASE_JOB, RESTORED_JOB, erase_what_came_back, erase_what_is_due
from chat.datarights.personal_data_erase import ERASURE_STORES
from chat.datarights.readings import list_readings
from chat.datarights.views_data import bp as data_bp
from chat.datarights.views_erase import bp as erasure_bp
from chat.kernel.feature import Feature, Job, MenuItem
from chat.kernel.kicks import kick


def _start(app: Flask) -> None:
    with app.app_context():
        kick(RESTORED_JOB)


FEATURE = Feature(
    name="datarights",
    blueprints=(data_bp, erasure_bp),
    stores=ERASURE_STORES,
    jobs=(
        Job(name=ERASE_JOB, run=erase_what_is_due, every=timedelta(minutes=10)),
        # Looks at each account's id. Whoever restores a database starts the site again, and each start asks for it.
        Job(name=RESTORED_JOB, run=erase_what_came_back, every=timedelta(hours=6)),
    ),
    readings=list_readings,
    start=_start,
    commands=(accounts,),
    menu=(
        MenuItem(label=_l("Your data"), endpoint="your_data.show"),
        MenuItem(label=_l("Delete"), endpoint="erasure.choose"),
    ),
)
