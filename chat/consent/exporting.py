"""A person's consents in their copy of their data: the ledger, with the words that each entry is about."""

from collections.abc import Iterator
from dataclasses import asdict

import msgspec

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.purposes import WORDINGS, Purpose
from chat.kernel.db import db
from chat.kernel.export import ExportedFile, Subject


def consents_file(subject: Subject) -> Iterator[ExportedFile]:
    """Yield `consents.json`."""
    account = db.session.get(Account, subject.owner_id)
    entries = ledger.list_entries(account) if account else []
    document = {
        "ledger": [
            {
                "sequence": one.sequence,
                "purpose": one.purpose,
                "given": one.given,
                "at": one.at.isoformat(),
                "source": one.source,
                "wording_revision": one.wording_revision,
                "wording_hash": one.wording_hash,
                "previous_hash": one.previous_hash,
                "hash": one.hash,
            }
            for one in entries
        ],
        "chain_breaks_at": ledger.find_break(account) if account else None,
        "words_shown_today": {purpose.value: asdict(WORDINGS[purpose]) for purpose in Purpose if purpose in WORDINGS},
    }
    says = "What you agreed to and withdrew, entry by entry, with the words that are shown for each purpose today."
    yield ExportedFile("consents.json", says, [msgspec.json.format(msgspec.json.encode(document), indent=2)])
