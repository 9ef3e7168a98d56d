"""A person's consents in their copy of their data: the ledger, with the words that each entry is about."""

from collections.abc import Iterator
from dataclasses import asdict

import msgspec

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.purposes import INTERESTS, WORDINGS
from chat.consent.receipts import ledger_of
from chat.consent.records import Circumstances
from chat.kernel.db import db
from chat.kernel.export import ExportedFile, Subject
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site


def consents_file(subject: Subject) -> Iterator[ExportedFile]:
    """Yield `consents.json`, and the ledger as a signed file that shows later if an entry is missing."""
    account = db.session.get(Account, subject.owner_id)
    entries = ledger.list_entries(account) if account else []
    document = {
        "account": subject.account,
        "ledger": [ledger.row_of(one) for one in entries],
        "chain_breaks_at": ledger.find_break(account) if account else None,
        "words_shown_today": {one.value: asdict(words) for one, words in (*WORDINGS.items(), *INTERESTS.items())},
    }
    says = "What you agreed to and withdrew, entry by entry, with the words that are shown for each purpose today."
    yield ExportedFile("consents.json", says, [msgspec.json.format(msgspec.json.encode(document), indent=2)])
    if account:
        site = current_site()
        around = Circumstances(profile=subject.profile, url=site.settings.chat_public_url or "", stores=current_stores())
        signed = ledger_of(account, entries, around, site.signing, subject.now)
        says = "The same, signed: `python -m chat.consent.check_ledger` checks it without this site."
        yield ExportedFile("consents-signed.json", says, [msgspec.json.format(msgspec.json.encode(signed), indent=2)])
