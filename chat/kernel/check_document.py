"""Checking a signed document away from the site that signed it: `python -m chat.kernel.check_document FILE --keys KEYS`.

KEYS is what the site serves at /.well-known/candor-keys.json, kept since the document was issued. Nothing is asked of anybody.
"""

import json
import sys
from pathlib import Path

import click

from chat.kernel.signing import NotAuthentic, check


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keys", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The public keys.")
def main(file: Path, keys: Path) -> None:
    """Say whether FILE is what the site signed, unchanged."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        public = json.loads(keys.read_text(encoding="utf-8"))["keys"]
        key = check(document, public)
    except (ValueError, KeyError, TypeError, AttributeError):
        click.echo("Not authentic: one of the files is not a document of this kind.", err=True)
        sys.exit(2)
    except NotAuthentic as fault:
        click.echo(f"Not authentic: {fault}.", err=True)
        sys.exit(1)
    click.echo(f"Authentic: a {document['type']}, signed by key {key}.")


if __name__ == "__main__":
    main()
