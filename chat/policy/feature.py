"""The policy: what is promised, whether it is kept, and how it changes."""

from datetime import timedelta

from flask import Flask

from chat.accounts.mailings import add_kind
from chat.kernel import clock
from chat.kernel.banners import add_banners
from chat.kernel.feature import Feature, Job
from chat.kernel.notice import Notice, mount_notice
from chat.policy import views, views_versions
from chat.policy.banner import banners
from chat.policy.cli import privacy
from chat.policy.daily import JOB, verify_gently
from chat.policy.jobs import begin
from chat.policy.personal_data import STORES
from chat.policy.publishing import KIND
from chat.policy.versions import asks_again_since, current_version


def _init(app: Flask) -> None:
    mount_notice(app, Notice(version=_version, asks_again=lambda purpose: asks_again_since(purpose, clock.now())))
    add_banners(app, banners)
    add_kind(app, KIND)


def _version() -> str | None:
    current = current_version(clock.now())
    return current.hash if current else None


FEATURE = Feature(
    name="policy",
    blueprints=(views.bp, views_versions.bp),
    stores=STORES,
    jobs=(Job(name=JOB, run=verify_gently, every=timedelta(days=1), after=timedelta(minutes=30)),),
    commands=(privacy,),
    init=_init,
    start=begin,
)
