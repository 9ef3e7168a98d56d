"""Checking the promises: each check is run against a scratch instance, two instances at a time, what moves the clock last."""

import logging
import queue
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

from chat.kernel.profile import Profile
from chat.kernel.settings import Settings
from chat.kernel.site import current_site
from chat.policy.promise import Broken, Promise, State
from chat.policy.reports import Result
from chat.policy.scratch.instance import Scratch, running_scratch

Say = Callable[[Promise, Result], None]
Run = Callable[..., AbstractContextManager[Scratch]]
# As many as there are cores on a small machine. Checks that need mail have a third instance, when there are such.
INSTANCES = 2
_FEW = 3


def verify(
    settings: Settings,
    profile: Profile,
    promises: Sequence[Promise],
    say: Say,
    instances: int = INSTANCES,
    scratch: Run = running_scratch,
) -> list[Result]:
    """Check `promises` against scratch instances of this configuration and return what was found, in their order.

    `say` is told of each result as it comes; `scratch` runs an instance.
    """
    # One line a request of somebody who never lived would drown what the site itself has to say.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    found: dict[str, Result] = {}
    offered = [one for one in promises if one.is_offered(profile)]
    for promise in promises:
        if promise not in offered:
            found[promise.id] = Result(promise.id, State.NOT_OFFERED, promise.why_not(profile))
            say(promise, found[promise.id])
    with_mail = [one for one in offered if one.mail and not settings.mail_url]
    others = [one for one in offered if one not in with_mail]
    crews = [(others, mail) for mail in [False] * (1 if len(others) <= _FEW else instances) if others]
    crews += [(with_mail, True)] if with_mail else []
    queues = {id(one): _queue(one) for one in (others, with_mail)}
    threads = [
        threading.Thread(target=_work, args=(scratch(settings, profile, mail=mail), queues[id(work)], found, say), daemon=True)
        for work, mail in crews
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if profile == current_site().profile:
        found |= {one.id: broken for one in offered if (broken := look_here(one)) is not None}
    return [found.get(one.id) or Result(one.id, State.FAILING, "The check could not be run.") for one in promises]


def look_here(promise: Promise) -> Result | None:
    """Return how this very site breaks the promise, if it does: its scratch instance is only as old as the check."""
    try:
        if promise.here is not None:
            promise.here()
    except Broken as broken:
        return Result(promise.id, State.FAILING, str(broken))
    return None


def _queue(promises: Iterable[Promise]) -> "queue.Queue[Promise]":
    waiting: queue.Queue[Promise] = queue.Queue()
    for promise in sorted(promises, key=lambda one: one.travels):
        waiting.put(promise)
    return waiting


def _work(
    running: AbstractContextManager[Scratch], waiting: "queue.Queue[Promise]", found: dict[str, Result], say: Say
) -> None:
    try:
        with running as scratch:
            for promise in iter(lambda: _next(waiting), None):
                found[promise.id] = check(promise, scratch)
                say(promise, found[promise.id])
    except Exception as error:  # noqa: BLE001  # an instance that cannot be run keeps no promise
        for promise in iter(lambda: _next(waiting), None):
            found[promise.id] = Result(promise.id, State.FAILING, f"No scratch instance could be run: {error}")
            say(promise, found[promise.id])


def _next(waiting: "queue.Queue[Promise]") -> Promise | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def check(promise: Promise, scratch: Scratch) -> Result:
    """Return how the promise's check ends on that instance; a check that stumbles is one that fails."""
    assert promise.check
    try:
        return Result(promise.id, State.KEPT, promise.check(scratch))
    except Broken as broken:
        return Result(promise.id, State.FAILING, str(broken))
    except Exception as error:  # noqa: BLE001  # what a check stumbled over is no proof that the promise is kept
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = f"The check stumbled: {type(error).__name__} in {place.name}, line {place.lineno}: {str(error)[:200]}"
        return Result(promise.id, State.FAILING, words)
