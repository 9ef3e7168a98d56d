"""Retention: what is past its time disappears, whatever feature it belongs to."""

from datetime import timedelta

from chat.kernel.cli import privacy
from chat.kernel.feature import Feature, Job
from chat.retention import cli
from chat.retention.jobs import PURGE, purge
from chat.retention.personal_data import STORES
from chat.retention.readings import list_readings

_COMMANDS = cli  # adds its command to the group when it is imported

FEATURE = Feature(
    name="retention",
    stores=STORES,
    jobs=(Job(name=PURGE, run=purge, every=timedelta(minutes=10)),),
    commands=(privacy,),
    readings=list_readings,
)
