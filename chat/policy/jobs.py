"""A site that starts for the first time publishes its policy; one that says something else than it published says so."""

import logging

from flask import Flask
from sqlalchemy.exc import IntegrityError

from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.site import current_site
from chat.policy.publishing import live_policy, publish_first
from chat.policy.versions import coming_version, current_version, last_version

log = logging.getLogger("chat.policy")


def begin(app: Flask) -> None:
    """Publish version 1 if there is none, and compare what is in force with what runs. Once in each process that serves."""
    with app.app_context():
        try:
            publish_first(current_site(), clock.now())
            db.session.commit()
        except IntegrityError:
            db.session.rollback()  # another process was faster, and its policy is ours
        compare()
        db.session.remove()


def compare() -> int:
    """Log a warning if the site runs under another policy than the one in force. Return how many such faults there are."""
    now = clock.now()
    live, current, last = live_policy(current_site()).hash, current_version(now), last_version()
    if current is None or last is None or live == current.hash:
        return 0
    coming = coming_version(now)
    if coming is not None and live == coming.hash:
        log.warning("this site runs under a policy that is announced but not in force yet", extra={"code": "policy_too_early"})
    elif live == last.hash:
        return 0
    else:
        log.warning(
            "this site runs under another policy than it published: see `flask privacy status`",
            extra={"code": "policy_unpublished"},
        )
    return 1
