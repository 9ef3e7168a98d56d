"""Taking conversations for improvement: each is opened only while its owner's consents hold, in a transaction that keeps them.

What is taken is recorded with it, batch by batch; handed out is the whole, by one rename. Memory holds one conversation.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chat.accounts import audit
from chat.accounts.models import Account
from chat.consent import gate
from chat.consent.gate import CannotRead, NotPermitted, Reader
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.feedback import list_ratings
from chat.conversations.models import Conversation
from chat.improvement import eligible, folder
from chat.improvement.eligible import Consented
from chat.improvement.folder import Writer
from chat.improvement.models import ExportedConversation, ImprovementExport
from chat.improvement.records import Labels, Scrubber, lines
from chat.kernel import crypto
from chat.kernel.db import db
from chat.kernel.ids import public_id
from chat.kernel.keyring import Keyring
from chat.kernel.site import Site

_BATCH = 25


@dataclass(slots=True)
class Export:
    """An export on its way. Its caller commits after each batch, after `finish`, and then lets it be published."""

    row: ImprovementExport
    writer: Writer
    keyring: Keyring
    pseudonym_key: bytes
    now: datetime
    people: int = 0
    conversations: int = 0
    unreadable: int = 0
    wordings: Counter[tuple[Purpose, int]] = field(default_factory=Counter)

    def batches(self) -> Iterator[int]:
        """Write and record what may be taken. Yields after each batch, whose rows are to be committed then."""
        for person in eligible.each_person():
            subject, after, is_new = public_id(), 0, True
            while True:
                account = db.session.get(Account, person)
                consented = eligible.find_consent(account) if account else None
                if account is None or consented is None:
                    break
                last = self._batch(account, consented, subject, after)
                if last is None:
                    break
                if is_new:
                    self.people, is_new = self.people + 1, False
                    self.wordings.update(consented.wordings)
                after = last
                yield self.conversations

    def finish(self) -> dict[str, Any]:
        """Record that all is written, and return what the manifest says of it."""
        described = self.writer.close()
        self.row.finished_at = self.now
        self.row.conversations = self.conversations
        audit.record(
            "improvement.export",
            reason=f"{self.conversations} conversations of {self.people} people who agreed to it",
            now=self.now,
        )
        return described

    def manifest(self, described: dict[str, Any], site: Site) -> dict[str, Any]:
        words: dict[str, dict[str, int]] = {}
        for (purpose, revision), people in sorted(self.wordings.items()):
            words.setdefault(purpose.value, {})[str(revision)] = people
        return {
            "type": folder.TYPE,
            "version": 1,
            "format": "OpenAI chat, one JSON object a line",
            "site": site.profile.site.name,
            "export": self.row.public_id,
            "made_at": self.now.isoformat(),
            "counts": {"people": self.people, "conversations": self.conversations, "unreadable": self.unreadable},
            "wordings": words,
            "files": {folder.data_name(self.row.public_id): described},
        }

    def _batch(self, account: Account, consented: Consented, subject: str, after: int) -> int | None:
        found = eligible.list_conversations(account, consented, self.now, after=after, step=_BATCH)
        try:
            reader = gate.reader_for(account, eligible.NEEDED, self.keyring) if found else None
        except (NotPermitted, CannotRead):
            reader = None
        if reader is None:
            return None
        scrubber = Scrubber(account)
        for conversation, because_rated in found:
            labels = Labels(pseudonym(self.pseudonym_key, conversation), subject)
            if self._write(conversation, reader, labels, scrubber):
                self._record(account, conversation, consented, labels, because_rated=because_rated)
        return found[-1][0].id

    def _write(self, conversation: Conversation, reader: Reader, labels: Labels, scrubber: Scrubber) -> bool:
        try:
            transcript = history.load(conversation, reader)
            ratings = list_ratings(conversation, reader)
        except CannotRead:
            self.unreadable += 1
            return False
        written = 0
        for line in lines(transcript, ratings, labels, scrubber):
            self.writer.write(line)
            written += 1
        return bool(written)

    def _record(
        self, account: Account, conversation: Conversation, consented: Consented, labels: Labels, *, because_rated: bool
    ) -> None:
        self.conversations += 1
        db.session.add(
            ExportedConversation(
                export_id=self.row.id,
                account_id=account.id,
                conversation_id=conversation.id,
                pseudonym=labels.conversation,
                exported_at=self.now,
                consent_sequence=consented.sequence,
                because_rated=because_rated,
            )
        )


def begin(place: Path, site: Site, now: datetime) -> Export:
    """Return a new export into the folder `place`, which the caller holds."""
    row = ImprovementExport(public_id=public_id(), begun_at=now)
    db.session.add(row)
    db.session.flush()  # what is exported names it
    return Export(row, Writer(place), site.keyring, crypto.derive(site.secret, "improvement"), now)


def publish(export: Export, place: Path, manifest: dict[str, Any], site: Site) -> None:
    """Hand the export out: its file, then the manifest that counts it in, and away with older data."""
    name = folder.data_name(export.row.public_id)
    export.writer.publish(place / name)
    folder.write_manifest(place, manifest, site.signing)
    folder.remove_older(place, name)


def pseudonym(key: bytes, conversation: Conversation) -> str:
    """Return what the conversation is called in every export: the same each time, and of no use without the site's secret."""
    return crypto.keyed_hash(key, conversation.public_id)
