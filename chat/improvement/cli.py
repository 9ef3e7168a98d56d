"""`flask improvement`: what people gave for improvement, taken out, and what they took back."""

from pathlib import Path

import click

from chat.improvement import export as exporting
from chat.improvement import folder, revocations
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.site import Site, current_site

_OUT = click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write into.")


@click.group("improvement")
def improvement() -> None:
    """Conversations that people gave for improvement."""


@improvement.command()
@_OUT
def export(out: Path) -> None:
    """Write the saved conversations of everybody who agreed to that, as fine-tuning data, into a folder."""
    try:
        with folder.opened(out) as place:
            made = _export(place, current_site())
            withdrawn = _revoke(place, current_site())
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    click.echo(f"Exported {made.conversations} conversations of {made.people} people. {withdrawn} copies are withdrawn.")


@improvement.command("revocations")
@_OUT
def write_revocations(out: Path) -> None:
    """Write the list of withdrawn copies into a folder of exports."""
    try:
        with folder.opened(out) as place:
            withdrawn = _revoke(place, current_site())
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    click.echo(f"{withdrawn} copies are withdrawn.")


def _export(place: Path, site: Site) -> exporting.Export:
    made = exporting.begin(place, site, clock.now())
    db.session.commit()
    try:
        for _count in made.batches():
            db.session.commit()
        described = made.finish()
        db.session.commit()  # recorded before it is handed out: what somebody has can always be revoked
        exporting.publish(made, place, made.manifest(described, site), site)
    except BaseException:
        made.writer.discard()
        raise
    return made


def _revoke(place: Path, site: Site) -> int:
    revocations.mark(clock.now())
    db.session.commit()
    described = folder.write_revocations(place, revocations.lines())
    manifest = folder.read_manifest(place)
    if manifest is not None:
        manifest["files"][folder.REVOCATIONS] = described
        folder.write_manifest(place, manifest, site.signing)
    lines: int = described["lines"]
    return lines
