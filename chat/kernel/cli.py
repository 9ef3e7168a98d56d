"""Commands of no feature: a new key over all account keys, and the group `flask privacy`, which several features fill."""

import click

from chat.kernel import crypto
from chat.kernel.secret_files import replace
from chat.kernel.site import current_site


@click.group("privacy")
def privacy() -> None:
    """What this site promises, kept and looked after."""


@click.group("master-key")
def master_key() -> None:
    """The key that wraps every account's key."""


@master_key.command()
@click.option(
    "--forget-old", is_flag=True, help="Drop the older master keys from the file. Only after every server was restarted."
)
def rotate(*, forget_old: bool) -> None:
    """Wrap every account key by a new master key, or, where CHAT_MASTER_KEY is set, by the first one in it."""
    site = current_site()
    path = site.settings.chat_instance / "master.key"
    masters = site.masters
    if site.settings.chat_master_key is None:
        if not forget_old:
            masters = crypto.new_master_keys(older=masters)
            replace(path, masters.dump())  # before the first key is wrapped by it: a crash must not lose it
        else:
            masters = crypto.MasterKeys(masters.keys[:1])
    changed = site.keyring.rewrap(site.masters if forget_old else masters)
    if forget_old and site.settings.chat_master_key is None:
        replace(path, masters.dump())
    click.echo(f"{changed} account keys were wrapped anew. Restart every server of this site now.")
