"""`flask privacy verify`: are the promises kept?"""

import json
import logging
import os
import sys
from datetime import datetime

import click

from chat.kernel import clock
from chat.kernel.cli import privacy
from chat.kernel.db import db
from chat.kernel.personal_data import current_stores
from chat.kernel.profile import load_profile
from chat.kernel.site import current_site
from chat.policy import reports
from chat.policy.document import policy_document, policy_hash
from chat.policy.promise import Promise, State
from chat.policy.promises.every import PROMISES
from chat.policy.reports import Result
from chat.policy.verify import INSTANCES, verify
from chat.providers.current import current_catalogue

__all__ = ["privacy"]
log = logging.getLogger("chat.policy")
_COLOURS = {State.KEPT: "green", State.FAILING: "red", State.NOT_OFFERED: None}


@privacy.command("verify")
@click.option("--profile", "name", help="Another site profile than the running one: a name or a path.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--only", multiple=True, metavar="ID", help="Check this promise alone. May be given again.")
@click.option("--quiet", is_flag=True, help="Say on standard error only what is not kept.")
@click.option("--gently", is_flag=True, help="Take one thing after the other, and only what the machine has to spare.")
def verify_command(*, name: str | None, as_json: bool, only: tuple[str, ...], quiet: bool, gently: bool) -> None:
    """Check every promise of the policy against a scratch instance of this site. Exits with 1 if one is not kept."""
    site = current_site()
    if unknown := set(only) - {one.id for one in PROMISES}:
        raise click.BadParameter(f"there is no promise {', '.join(sorted(unknown))}", param_hint="--only")
    profile = load_profile(name) if name else site.profile
    chosen = [one for one in PROMISES if not only or one.id in only]
    started, at = clock.monotonic(), clock.now()
    if gently:
        os.nice(19)
    results = verify(site.settings, profile, chosen, _Progress(len(chosen), quiet=quiet), 1 if gently else INSTANCES)
    if profile == site.profile:
        document = policy_document(profile, current_stores(), current_catalogue().list_models())
        reports.keep(results, policy_hash(document), at)
        db.session.commit()
    click.echo(
        _json(name or site.settings.chat_profile, at, results) if as_json else _table(results, clock.monotonic() - started)
    )
    sys.exit(any(one.state is State.FAILING for one in results))


class _Progress:
    """Says on standard error how far it is, one line a promise."""

    def __init__(self, count: int, *, quiet: bool) -> None:
        self._count = count
        self._quiet = quiet
        self._done = 0

    def __call__(self, promise: Promise, result: Result) -> None:
        self._done += 1
        if self._quiet:
            if result.state is State.FAILING:
                log.error("a promise is not kept", extra={"code": promise.id})
            return
        click.secho(f"[{self._done}/{self._count}] {promise.id}: {_word(result.state)}", fg=_COLOURS[result.state], err=True)


def _json(profile: str, at: datetime, results: list[Result]) -> str:
    promises = [{"id": one.id, "state": one.state.value, "evidence": one.evidence} for one in results]
    return json.dumps({"profile": profile, "checked_at": at.isoformat(), "promises": promises}, ensure_ascii=False, indent=2)


def _table(results: list[Result], seconds: float) -> str:
    width = max(len(one.id) for one in results)
    lines = [
        f"{one.id:{width}}  {click.style(f'{_word(one.state):11}', fg=_COLOURS[one.state])}  {one.evidence}" for one in results
    ]
    counts = [f"{sum(one.state is state for one in results)} {_word(state)}" for state in State]
    return "\n".join([*lines, f"{', '.join(counts)}, in {seconds:.0f} seconds."])


def _word(state: State) -> str:
    return state.value.replace("_", " ")
