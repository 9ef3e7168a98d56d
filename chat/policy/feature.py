"""The policy: what is promised, and whether it is kept."""

from datetime import timedelta

from chat.kernel.feature import Feature, Job
from chat.policy.cli import privacy
from chat.policy.daily import JOB, verify_gently
from chat.policy.personal_data import STORES
from chat.policy.views import bp

FEATURE = Feature(
    name="policy",
    blueprints=(bp,),
    stores=STORES,
    jobs=(Job(name=JOB, run=verify_gently, every=timedelta(days=1), after=timedelta(minutes=30)),),
    commands=(privacy,),
)
