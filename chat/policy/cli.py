"""`flask privacy verify`: are the promises kept? `publish` and `status`: the policy's versions."""

import json
import logging
import os
import sys
from datetime import datetime, timedelta
from functools import partial

import click

from chat.consent.purposes import Purpose
from chat.kernel import clock
from chat.kernel.cli import privacy
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.personal_data import current_stores
from chat.kernel.profile import load_profile
from chat.kernel.site import current_site
from chat.policy import reports
from chat.policy.difference import difference
from chat.policy.document import policy_document, policy_hash
from chat.policy.promise import Promise, State
from chat.policy.promises.every import PROMISES
from chat.policy.publishing import live_policy, publish
from chat.policy.reports import Result
from chat.policy.scratch.forks import starting
from chat.policy.scratch.instance import running_scratch
from chat.policy.verify import INSTANCES, verify
from chat.policy.versions import coming_version, current_version, get_version, last_version
from chat.providers.current import current_catalogue

__all__ = ["privacy"]
log = logging.getLogger("chat.policy")
_PURPOSES = click.Choice([purpose.value for purpose in Purpose])
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
    with starting() as start:
        results = verify(
            site.settings, profile, chosen, _Progress(len(chosen), quiet=quiet), 1 if gently else INSTANCES,
            partial(running_scratch, start=start),
        )  # fmt: skip
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


@privacy.command("publish")
@click.option("--summary", required=True, help="What changes, in words for people.")
@click.option("--material/--minor", "is_material", default=None, help="Whether it takes effect after the notice, or now.")
@click.option("--profile", "name", help="Publish what the policy will be under this profile, a name or a path.")
@click.option("--ask-again", "asks_again", type=_PURPOSES, multiple=True, help="Only this consent ends. May be given again.")
@click.option("--consents-stand", is_flag=True, help="No consent depends on what changes.")
def publish_command(
    *, summary: str, is_material: bool | None, name: str | None, asks_again: tuple[str, ...], consents_stand: bool
) -> None:
    """Publish the policy as a new version. A material one is mailed to everybody and takes effect after the notice."""
    if is_material is None:
        raise click.UsageError("Say --material or --minor.")
    if consents_stand and asks_again:
        raise click.UsageError("--consents-stand and --ask-again say different things.")
    site = current_site()
    profile = load_profile(name) if name else site.profile
    ends = () if consents_stand else asks_again or tuple(purpose.value for purpose in Purpose)
    live = live_policy(site, profile)
    try:
        version, mailing = publish(
            site,
            live,
            summary=summary.strip(),
            is_material=is_material,
            asks_again=ends,
            notice=timedelta(days=site.profile.notices.material_change_days),
            now=clock.now(),
        )
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    db.session.commit()
    click.echo(f"Version {version.number} is published. It is in force from {version.in_force_at:%d %B %Y, %H:%M} UTC on.")
    if is_material and mailing is None:
        click.echo("This site sends no mail (MAIL_URL is not set): people learn of it by the banner alone.")


@privacy.command("status")
def status() -> None:
    """Print which version is in force and which is announced. Exits with 1 if the site runs under another one."""
    now, live = clock.now(), live_policy(current_site())
    current, coming, last = current_version(now), coming_version(now), last_version()
    if current is None:
        click.echo("No version is published yet; the first start of the server publishes it.")
        sys.exit(1)
    click.echo(f"In force: version {current.number}, since {current.in_force_at:%d %B %Y}.")
    if coming is not None:
        click.echo(f"Announced: version {coming.number}, in force from {coming.in_force_at:%d %B %Y, %H:%M} UTC on.")
    if live.hash == current.hash:
        click.echo("The running configuration is what is in force.")
        return
    if coming is not None and live.hash == coming.hash:
        click.echo("The running configuration is the announced version: run the old one until then.")
    elif last is None or live.hash != last.hash:
        click.echo("The running configuration is published nowhere. It differs from what is in force in:")
        for part in difference(get_version(current.number).document, live.document):
            click.echo(f"  {part.title}")
    sys.exit(1)
