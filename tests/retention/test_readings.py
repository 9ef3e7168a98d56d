"""What a monitor sees: the age of the oldest row of each table, what is overdue, and when the purge came by."""

from datetime import timedelta

import pytest

from chat.features import FEATURES
from chat.kernel.ages import list_ages
from chat.kernel.personal_data import Store
from chat.kernel.site import Site
from chat.retention.jobs import purge
from chat.retention.purge import ageing, ageless
from tests.browser import Browser
from tests.conftest import Clock
from tests.people import People
from tests.retention.rows import lifetime, make_row

STORES = tuple(store for feature in FEATURES for store in feature.stores)
each_aged = pytest.mark.parametrize("store", ageing(STORES), ids=lambda store: store.model.__tablename__)


@each_aged
def test_the_oldest_row_and_what_is_overdue_are_seen(
    client: Browser, people: People, site: Site, clock: Clock, store: Store
) -> None:
    span = lifetime(store, STORES, site.profile)
    step = min(timedelta(hours=1), span / 4)
    for age in (2 * step, step):
        make_row(store, STORES, people.alice.id, clock.now - age, clock.now - age + timedelta(days=1))

    fresh = metrics(client)
    clock.advance(seconds=(span - step).total_seconds())
    late = metrics(client)
    purge()
    purged = metrics(client)

    name = store.model.__tablename__
    assert fresh[f'candor_oldest_seconds{{table="{name}"}}'] == 2 * step.total_seconds()
    assert fresh[f'candor_overdue_seconds{{table="{name}"}}'] == 0
    assert late[f'candor_overdue_seconds{{table="{name}"}}'] == step.total_seconds()
    assert late[f'candor_oldest_seconds{{table="{name}"}}'] == (span + step).total_seconds()
    assert purged[f'candor_overdue_seconds{{table="{name}"}}'] == 0
    assert purged[f'candor_purged_timestamp_seconds{{table="{name}"}}'] == clock.now.timestamp()


def test_what_has_no_age_is_never_overdue(people: People, site: Site, clock: Clock) -> None:
    assert people.alice
    clock.advance(days=4000)

    ages = {age.store.title: age for age in list_ages(ageless(STORES), site.profile, clock.now)}

    assert {age.overdue for age in ages.values()} == {None}
    assert ages["Account"].oldest == timedelta(days=4000)


def test_no_name_and_no_number_of_a_person_is_in_it(client: Browser, people: People) -> None:
    make_row(ageing(STORES)[0], STORES, people.alice.id, people.alice.created_at, people.alice.created_at)

    text = client.get("/metrics").get_data(as_text=True)

    assert people.alice.email not in text
    assert people.alice.public_id not in text


def metrics(client: Browser) -> dict[str, float]:
    """Every sample of `/metrics` by its name and labels."""
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return {name: float(value) for line in lines if not line.startswith("#") for name, _, value in [line.rpartition(" ")]}
