"""Acts of the operator upon one account: erasing it (a child's, say), and handing it over because the law compels it."""

import json
from pathlib import Path

import click
import sqlalchemy as sa

from chat.accounts import audit
from chat.accounts.models import Account
from chat.accounts.service import find_account
from chat.datarights import authority, erase, letters
from chat.datarights.jobs import carry_out
from chat.datarights.models_erase import Scope
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.site import current_site


@click.group("accounts")
def accounts() -> None:
    """Manage accounts."""


@accounts.command("erase")
@click.argument("who")
@click.option("--reason", required=True, help="Why, for the audit log. It outlives the account: name nobody in it.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the certificate to this file.")
def erase_account(who: str, reason: str, out: Path | None) -> None:
    """Erase the account WHO, an e-mail address or a public id, at once and with all it keeps."""
    account = _find(who)
    if account.email.lower() in reason.lower() or account.public_id in reason:
        raise click.BadParameter("--reason: leave the person's address and id out of it: it outlives the account")
    audit.record("erase account", reason=reason, now=clock.now(), about=account)
    erasure = erase.begin(account, Scope.ACCOUNT, asked_by="operator", now=clock.now())
    letters.keep_address(erasure, account, current_site())
    db.session.commit()
    certificate = json.dumps(carry_out(erasure.public_id), indent=2, ensure_ascii=False)
    if out is None:
        click.echo(certificate)
    else:
        out.write_text(certificate + "\n", encoding="utf-8")
    click.echo("Erased 1 account.", err=out is None)


@accounts.command("export-for-authority")
@click.argument("who")
@click.option(
    "--reason", required=True, help="The order or law that compels it, in full words. Shown to the person unless withheld."
)
@click.option("--withhold-from-person", "withheld", is_flag=True, help="The order forbids telling the person.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The archive to write. Default: export-ID.zip here."
)
def export_for_authority(who: str, reason: str, *, withheld: bool, out: Path | None) -> None:
    """Write everything held about the account WHO into an archive. There is no other way to an account's content."""
    account = _find(who)
    path = out or Path(f"export-{account.public_id}.zip")
    now = clock.now()
    try:
        said = authority.check_reason(reason)
        with authority.reserved(path) as file:
            authority.record(account, said, withheld=withheld, now=now)
            db.session.commit()
            size = authority.write(account, file, now)
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    click.echo(
        f"Exported 1 account: {path}, {size} bytes. It is in the audit log{', kept from the person' if withheld else ''}."
    )


def _find(who: str) -> Account:
    found = find_account(who) if "@" in who else db.session.scalar(sa.select(Account).where(Account.public_id == who))
    if found is None:
        raise click.ClickException("There is no such account.")
    return found
