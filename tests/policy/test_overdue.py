"""A purge that stopped turns the promises about keeping red, by what lies in this site's own tables."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from chat.features import FEATURES
from chat.kernel.db import db
from chat.metering.models import Usage
from chat.policy.promise import State
from chat.policy.promises.every import PROMISES
from chat.policy.verify import look_here
from chat.retention.jobs import purge
from tests.browser import Browser
from tests.conftest import Clock
from tests.people import People
from tests.retention.rows import make_row

STORES = tuple(store for feature in FEATURES for store in feature.stores)


@pytest.mark.parametrize("promise", ["keep-history", "keep-logs"])
def test_what_nobody_deleted_turns_the_promise_red(people: People, clock: Clock, promise: str) -> None:
    looked = next(one for one in PROMISES if one.id == promise)
    usage = next(store for store in STORES if store.model is Usage)
    make_row(usage, STORES, people.alice.id, clock.now - timedelta(days=30), clock.now)

    at_once = look_here(looked)
    clock.advance(hours=1, seconds=1)
    late = look_here(looked)
    purge()

    assert at_once is None
    assert late is not None
    assert late.state is State.FAILING
    assert "Usage" in late.evidence
    assert look_here(looked) is None
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Usage.__table__)) == 0


def test_the_policy_tells_how_old_the_oldest_is(client: Browser, people: People, clock: Clock) -> None:
    assert people.alice
    clock.advance(days=3)

    shown = client.page("/privacy").text

    assert "The oldest is 3 days old." in shown
