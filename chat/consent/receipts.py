"""What a person takes away about their consents: the whole ledger, one receipt, and the signed head that both carry.

A head says how long the chain was, and how it ended, at one moment. Whoever kept one can show later that entries are missing.
The format is described in docs/consent.md; `python -m chat.consent.check_ledger` checks it without this site.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from chat.accounts.models import Account
from chat.consent import chain
from chat.consent.ledger import row_of
from chat.consent.models import ConsentEntry
from chat.consent.records import SCHEMA, Circumstances, records_of
from chat.kernel.signing import Document, SigningKeys


def head_of(account: Account, entries: Sequence[ConsentEntry], signing: SigningKeys, now: datetime) -> Document:
    """Return the signed head of the person's chain."""
    return signing.sign(
        {
            "type": chain.HEAD,
            "account": account.public_id,
            "sequence": len(entries),
            "hash": entries[-1].hash if entries else chain.START,
            "issued_at": now.isoformat(),
        }
    )


def ledger_of(
    account: Account, entries: Sequence[ConsentEntry], around: Circumstances, signing: SigningKeys, now: datetime
) -> Document:
    """Return the person's whole ledger, signed: its rows as they are hashed, the records made of them, and the head."""
    return signing.sign(
        {
            "type": chain.LEDGER,
            "schema_version": SCHEMA,
            "receipt_id": _id(account, entries[-1].hash if entries else chain.START),
            "site": around.profile.site.name,
            "account": account.public_id,
            "issued_at": now.isoformat(),
            "entries": [row_of(entry) for entry in entries],
            "content": records_of(account, entries, around),
            "head": head_of(account, entries, signing, now),
        }
    )


def receipt_of(
    account: Account,
    entries: Sequence[ConsentEntry],
    entry: ConsentEntry,
    around: Circumstances,
    signing: SigningKeys,
    now: datetime,
) -> Document:
    """Return the receipt of one entry of the ledger, signed, with the head at the time of issue."""
    return signing.sign(
        {
            "type": chain.RECEIPT,
            "schema_version": SCHEMA,
            "receipt_id": _id(account, entry.hash),
            "site": around.profile.site.name,
            "account": account.public_id,
            "issued_at": now.isoformat(),
            "entry": row_of(entry),
            "content": records_of(account, [entry], around),
            "head": head_of(account, entries, signing, now),
        }
    )


def _id(account: Account, hash_: str) -> str:
    """Return the same id for the same receipt, whenever it is asked for."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{account.public_id}/{hash_}"))
