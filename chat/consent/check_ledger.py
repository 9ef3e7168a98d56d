"""Checking consents away from the site that signed them: `python -m chat.consent.check_ledger FILE --keys KEYS`.

FILE is a ledger or a receipt as downloaded. KEYS is what the site serves at /.well-known/candor-keys.json, kept since then.
`--against` names a file kept from another day: what it knew must still be in FILE. Nothing is asked of anybody.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from chat.consent import chain
from chat.consent.chain import HEAD, LEDGER, RECEIPT
from chat.kernel.signing import NotAuthentic, check

_Document = Mapping[str, Any]


class Broken(Exception):
    """The file is not what the site signed, or it contradicts the other one. Says where."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keys", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The public keys.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A ledger, receipt or head kept from another day: FILE must hold what it knew.",
)
def main(file: Path, keys: Path, against: Path | None) -> None:
    """Say whether FILE is a whole ledger, or a receipt, as the site signed it."""
    try:
        public = json.loads(keys.read_text(encoding="utf-8"))["keys"]
        document = json.loads(file.read_text(encoding="utf-8"))
        said = check_document(document, public)
        if against is not None:
            other = json.loads(against.read_text(encoding="utf-8"))
            check_document(other, public)
            check_against(document, other)
            said += " It holds everything that the other file knew."
    except Broken as fault:
        click.echo(f"Broken: {fault}.", err=True)
        sys.exit(1)
    except (ValueError, KeyError, TypeError, AttributeError):
        click.echo("Broken: one of the files is not a document of this kind.", err=True)
        sys.exit(2)
    click.echo(said)


def check_document(document: _Document, public: Mapping[str, str]) -> str:
    """Return a sentence on what `document` is. Raises Broken."""
    kind = document["type"]
    if kind not in (LEDGER, RECEIPT, HEAD):
        raise Broken(f"a {kind} is not a ledger or a receipt")
    _check_signature(document, public)
    if kind == HEAD:
        return f"Authentic: the head of a chain of {document['sequence']}, signed on {document['issued_at']}."
    _check_signature(document["head"], public)
    if document["head"]["account"] != document["account"]:
        raise Broken("its head belongs to another account")
    if kind == RECEIPT:
        entry = document["entry"]
        if entry["hash"] != chain.entry_hash(document["account"], entry):
            raise Broken("its entry was changed")
        return f"Authentic: a receipt for entry {entry['sequence']} of {document['head']['sequence']}."
    _check_chain(document)
    return f"Whole: {len(document['entries'])} entries, each following the one before it, up to the signed head."


def check_against(document: _Document, kept: _Document) -> None:
    """Raise Broken unless the ledger `document` holds what `kept` knew: its head, and its entry if it is a receipt."""
    if document["type"] != LEDGER:
        raise Broken("only a whole ledger can hold what another file knew")
    if document["account"] != kept["account"]:
        raise Broken("the two files are about different accounts")
    entries = document["entries"]
    head = kept if kept["type"] == HEAD else kept["head"]
    _raise(chain.find_missing(entries, sequence=head["sequence"], head=head["hash"]))
    if kept["type"] == RECEIPT:
        _raise(chain.find_missing(entries, sequence=kept["entry"]["sequence"], head=kept["entry"]["hash"]))


def _check_chain(document: _Document) -> None:
    entries, head = document["entries"], document["head"]
    _raise(chain.find_break(document["account"], entries))
    _raise(chain.find_missing(entries, sequence=head["sequence"], head=head["hash"]))
    if len(entries) != head["sequence"]:
        raise Broken("it holds more entries than its head says")


def _check_signature(document: _Document, public: Mapping[str, str]) -> None:
    try:
        check(document, public)
    except NotAuthentic as fault:
        raise Broken(str(fault)) from None


def _raise(found: chain.Break | None) -> None:
    if found is not None:
        raise Broken(found.why)


if __name__ == "__main__":
    main()
