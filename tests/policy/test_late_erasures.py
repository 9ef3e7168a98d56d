"""An erasure that is not done turns the promise about deleted accounts red, by what lies in this site's own tables."""

import pytest
from flask import Flask

from chat.datarights import erase
from chat.datarights.jobs import erase_what_is_due
from chat.datarights.models_erase import Scope
from chat.kernel.db import db
from chat.policy.promise import State
from chat.policy.promises.every import PROMISES
from chat.policy.verify import look_here
from tests.conftest import Clock
from tests.people import People


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_erasure_that_is_late_turns_the_promise_red(app: Flask, people: People, clock: Clock) -> None:
    promise = next(one for one in PROMISES if one.id == "keep-deleted")
    erase.begin(people.alice, Scope.ACCOUNT, asked_by="person", now=clock.now)
    db.session.commit()

    at_once = look_here(promise)
    clock.advance(hours=7)
    late = look_here(promise)
    erase_what_is_due()

    assert at_once is None
    assert late is not None
    assert late.state is State.FAILING
    assert "7 hours late" in late.evidence
    assert look_here(promise) is None
