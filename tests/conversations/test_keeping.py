"""How long history is kept: chosen for all and for one, never beyond the site's limit, and never brought back."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from chat.accounts.models import Account
from chat.accounts.service import create_account
from chat.consent import gate, ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations import history, keeping
from chat.conversations.models import Conversation
from chat.conversations.transcript import Transcript
from chat.features import FEATURES
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.ids import public_id
from chat.kernel.lifetimes import hide_what_is_over
from chat.kernel.profile import Profile
from chat.kernel.site import Site, current_site
from chat.retention import jobs
from chat.retention.jobs import purge
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.conftest import Clock, MakeApp
from tests.people import People, sign_in

STORES = tuple(store for feature in FEATURES for store in feature.stores)
DAYS = some.sampled_from([1, 2, 7, 30, 90, 365])
ACTS = some.one_of(
    some.tuples(some.just("write"), some.integers(0, 2)),
    some.tuples(some.just("choose"), DAYS),
    some.tuples(some.just("own"), some.tuples(some.integers(0, 2), some.one_of(some.none(), DAYS))),
    some.tuples(some.just("wait"), some.sampled_from([1, 12, 24, 24 * 6, 24 * 29, 24 * 89, 24 * 300])),
    some.tuples(some.just("limit"), some.sampled_from([2, 30, 365])),
    some.tuples(some.just("purge"), some.none()),
)


class Life:
    """Three conversations of one person, and what the promise says about each."""

    def __init__(self, app: Flask, site: Site, clock: Clock) -> None:
        self.app, self.site, self.clock, self.profile = app, site, clock, site.profile
        self.account = _somebody(site, clock.now)
        self.rows = [self._create() for _ in range(3)]
        self.ended: set[int] = set()
        self.exact = dict.fromkeys(self.rows, True)  # nothing was chosen since its last message

    def _create(self) -> int:
        permit = gate.issue(self.account, Purpose.HISTORY, self.site.keyring)
        span = keeping.keep_for(self.account, None, self.profile)
        row = history.create(permit, self.account, Transcript(model="m"), span, self.clock.now)
        db.session.commit()
        return row.id

    def write(self, which: int) -> None:
        if (row := self.find(self.rows[which])) is not None:
            permit = gate.issue(self.account, Purpose.HISTORY, self.site.keyring)
            span = keeping.keep_for(self.account, row.own_days, self.profile)
            history.update(permit, row, Transcript(model="m"), span, self.clock.now)
            self.exact[row.id] = True

    def choose(self, days: int) -> None:
        if days <= self.profile.retention.history_longest:
            keeping.choose(self.account, days, self.profile, self.clock.now)
            self.exact = dict.fromkeys(self.rows, False)

    def own(self, choice: tuple[int, int | None]) -> None:
        which, days = choice
        row = self.find(self.rows[which])
        if row is not None and (days or 1) <= self.profile.retention.history_longest:
            keeping.choose_for(self.account, row, days, self.profile)
            self.exact[row.id] = True  # it was asked to stay just so long

    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    def limit(self, days: int) -> None:
        """Start the site anew with another limit. The purge came by until it stopped, and runs with the start."""
        self.purge(None)
        kept = self.profile.retention.model_copy(update={"history_longest": days, "history": min(90, days)})
        self.profile = self.profile.model_copy(update={"retention": kept})
        hide_what_is_over(self.app, STORES, self.profile)
        self.purge(None)
        self.exact = dict.fromkeys(self.rows, False)

    def purge(self, _nothing: None) -> None:
        purge()

    def find(self, row: int) -> Conversation | None:
        db.session.expire_all()
        return db.session.scalars(sa.select(Conversation).where(Conversation.id == row)).one_or_none()

    def look(self) -> None:
        usual = keeping.days_of(self.account, self.profile)
        for row_id in self.rows:
            row = self.find(row_id)
            if row is None:
                self.ended.add(row_id)
                continue
            assert row_id not in self.ended, "what had ended came back"
            promised = row.updated_at + timedelta(days=min(row.own_days or usual, self.profile.retention.history_longest))
            assert self.clock.now < promised, "it lives longer than was chosen"
            ends = keeping.ends_at(row, self.profile)
            assert ends == promised if self.exact[row_id] else ends <= promised


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@given(acts=some.lists(ACTS, max_size=14))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_chosen_nothing_lives_longer_and_nothing_comes_back(
    app: Flask, site: Site, clock: Clock, acts: list[tuple[str, object]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_PAUSE_SECONDS", 0.0)
        life = Life(app, site, clock)
        patch.setattr(jobs, "current_site", lambda: life)
        life.limit(365)
        for act, argument in acts:
            getattr(life, act)(argument)
            db.session.commit()
            life.look()
        life.clock.advance(days=366)
        life.look()
        assert life.ended == set(life.rows)


def test_a_shorter_time_holds_at_once_for_what_is_there(alice: Browser, clock: Clock) -> None:
    old = _saved(alice, "The old one")
    clock.advance(days=10)
    sign_in(alice, _alice())
    young = _saved(alice, "The young one")

    page = _choose(alice, 7)

    assert "1 conversation was older and is gone." in page
    assert (_is_there(old), _is_there(young)) == (False, True)
    clock.advance(days=7)
    assert not _is_there(young)


def test_a_longer_time_holds_from_the_next_message_on(alice: Browser, clock: Clock) -> None:
    _choose(alice, 7)
    left, used = _saved(alice, "Left alone"), Chat(alice).send("Used again")
    _choose(alice, 90)

    used.send("And again")
    clock.advance(days=7)

    assert (_is_there(left), _is_there(used.conversation)) == (False, True)


def test_one_conversation_may_live_longer_or_shorter_than_the_others(alice: Browser, clock: Clock) -> None:
    usual, short, long = (_saved(alice, words) for words in ("As usual", "A short one", "A long one"))

    _keep(alice, short, "1")
    _keep(alice, long, "365")

    seen = []
    for days in (1, 89, 275):
        clock.advance(days=days)
        seen.append([_is_there(one) for one in (short, usual, long)])
    assert seen == [[False, True, True], [False, False, True], [False, False, False]]


def test_ones_own_time_survives_the_choice_for_all(alice: Browser, clock: Clock) -> None:
    long = _saved(alice, "A long one")
    _keep(alice, long, "365")

    _choose(alice, 1)
    clock.advance(days=2)

    assert _is_there(long)


def test_back_to_as_long_as_the_others(alice: Browser, clock: Clock) -> None:
    one = _saved(alice, "A long one")
    _keep(alice, one, "365")

    _keep(alice, one, "")

    row = db.session.scalars(sa.select(Conversation)).one()
    assert (row.own_days, row.expires_at) == (None, clock.now + timedelta(days=90))


def test_a_time_that_is_over_already_ends_the_conversation(alice: Browser, clock: Clock) -> None:
    one = _saved(alice, "A week old")
    clock.advance(days=6)

    page = _keep(alice, one, "1")

    assert "the conversation is gone" in page
    assert alice.get(f"/c/{one}").status_code == 404


@pytest.mark.parametrize("days", ["0", "-1", "3651", "x", "", "1e9"])
def test_nothing_beyond_the_limit_can_be_chosen(alice: Browser, days: str) -> None:
    one = _saved(alice, "Hello")
    token = alice.csrf("/settings/history")

    for_all = alice.post("/settings/history", data={"csrf_token": token, "days": days})
    for_one = alice.post(f"/c/{one}/keep", data={"csrf_token": token, "days": days or "0"})

    assert (for_all.status_code, for_one.status_code) == (400, 400)
    assert keeping.days_of(_alice(), _profile()) == 90


def test_nobody_elses_conversation_can_be_kept(app: Flask, alice: Browser, people: People) -> None:
    one = _saved(alice, "Hello")
    bob = app.test_client()
    assert isinstance(bob, Browser)
    sign_in(bob, people.bob)

    response = bob.post(f"/c/{one}/keep", data={"csrf_token": bob.csrf("/settings/history"), "days": "1"})

    assert response.status_code == 404


def test_a_message_under_way_goes_by_what_is_chosen_meanwhile(alice: Browser, clock: Clock) -> None:
    """The page was opened under the old choice; what counts is the one when the message is stored."""
    chat = Chat(alice).send("Hello")
    _choose(alice, 7)

    chat.send("More")

    row = db.session.scalars(sa.select(Conversation)).one()
    assert row.expires_at == clock.now + timedelta(days=7)


def test_the_page_says_how_long_is_left(alice: Browser, clock: Clock) -> None:
    one = _saved(alice, "Hello")
    _keep(alice, one, "7")
    clock.advance(days=6, hours=20)

    page = alice.page(f"/c/{one}")

    assert "Saved, 4 hours left" in page.text
    assert [one.text for one in page.all("span") if "entry__soon" in one.get("class")] == ["4 hours left"]


def test_the_page_shows_the_end_under_a_lowered_limit(make_app: MakeApp, clock: Clock) -> None:
    site = make_app()
    client = site.test_client()
    assert isinstance(client, Browser)
    row = _somebody_saved(clock.now)
    lowered = _profile().model_copy(
        update={"retention": _profile().retention.model_copy(update={"history": 5, "history_longest": 5})}
    )

    assert keeping.ends_at(row, lowered) == clock.now + timedelta(days=5)


def test_what_was_compiled_under_one_limit_does_not_hold_under_another(app: Flask, alice: Browser, clock: Clock) -> None:
    conversation = _saved(alice, "Ten days old")
    clock.advance(days=10)

    for longest, is_there in ((365, True), (5, False), (365, True)):
        retention = _profile().retention.model_copy(update={"history_longest": longest})
        hide_what_is_over(app, STORES, _profile().model_copy(update={"retention": retention}))
        assert _is_there(conversation) is is_there


def test_a_site_without_history_has_no_such_page(make_app: MakeApp) -> None:
    changes = {"features.history": False, "consents.offered": []}
    client = make_app(changes).test_client()
    assert isinstance(client, Browser)
    sign_in(client, _people().alice)

    assert client.get("/settings/history").status_code == 404
    assert "/settings/history" not in client.get("/settings/privacy").get_data(as_text=True)


def test_a_choice_out_of_bounds_is_refused_by_the_service(app: Flask, people: People, site: Site, clock: Clock) -> None:
    with pytest.raises(Problem):
        keeping.choose(people.alice, 0, site.profile, clock.now)


@pytest.fixture
def alice(client: Browser, people: People, clock: Clock) -> Browser:
    sign_in(client, people.alice)
    turn_history_on(client)
    return client


def _saved(client: Browser, words: str) -> str:
    return Chat(client).send(words).conversation


def _choose(client: Browser, days: int) -> str:
    data = {"csrf_token": client.csrf("/settings/history"), "days": str(days)}
    return client.post("/settings/history", data=data, follow_redirects=True).get_data(as_text=True)


def _keep(client: Browser, conversation: str, days: str) -> str:
    data = {"csrf_token": client.csrf("/settings/history"), "days": days}
    return client.post(f"/c/{conversation}/keep", data=data, follow_redirects=True).get_data(as_text=True)


def _is_there(conversation: str) -> bool:
    found = sa.select(Conversation.id).where(Conversation.public_id == conversation)
    return db.session.scalar(found) is not None


def _alice() -> Account:
    return db.session.scalars(sa.select(Account).where(Account.email == "alice@example.org")).one()


def _people() -> People:
    return People(current_site().keyring)


def _profile() -> Profile:
    return current_site().profile


def _somebody(site: Site, now: datetime) -> Account:
    name = public_id()
    account = create_account(
        site.keyring, email=f"{name}@example.org", display_name=name, password_hash="x", now=now, confirmed=True, operator=False
    )
    db.session.commit()
    ledger.give(account, Purpose.HISTORY, Source.SETTINGS, now)
    db.session.commit()
    return account


def _somebody_saved(now: datetime) -> Conversation:
    site = current_site()
    account = _somebody(site, now)
    permit = gate.issue(account, Purpose.HISTORY, site.keyring)
    return history.create(permit, account, Transcript(model="m"), timedelta(days=90), now)
