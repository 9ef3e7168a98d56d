"""Consent records in the shape of ISO/IEC TS 27560:2023, one for each purpose, from the ledger, the profile and the Stores.

The names of the fields are those of the DPV group's guide to it (https://w3id.org/dpv/guides/consent-27560). What a field
cannot say honestly is left out, where the guide lets it be, or is a sentence.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chat.accounts.models import Account
from chat.consent.ledger import OBJECTIONS, Subject, row_of
from chat.consent.models import ConsentEntry
from chat.consent.purposes import INTERESTS, Interest, Purpose, Wording, find_wording, subject_called
from chat.kernel.personal_data import Store, stands_on
from chat.kernel.profile import Contact, Profile

SCHEMA = "ISO/IEC TS 27560:2023"
Record = dict[str, Any]

# What a purpose touches beside the tables that stand on it (the Stores say those).
_BESIDE_TABLES = {
    Purpose.PREFERENCE_COOKIES: ("the theme and text size you chose, in a cookie of your browser",),
    Purpose.ANALYTICS: ("which kind of page was opened on which day, as a total",),
    Purpose.PRODUCT_UPDATES: ("your e-mail address",),
    Purpose.IMPROVEMENT: ("the conversations you saved", "the thumbs up or down you gave in them"),
    Interest.STATISTICS: ("numbers of requests and tokens, as totals of a day",),
}
# DPV's terms (https://w3id.org/dpv#Purpose).
_TYPES = {
    Purpose.HISTORY: "dpv:ServiceProvision",
    Purpose.IMPROVEMENT: "dpv:ServiceOptimisation",
    Purpose.DIAGNOSTICS: "dpv:ServiceOptimisation",
    Purpose.PREFERENCE_COOKIES: "dpv:ServicePersonalisation",
    Purpose.ANALYTICS: "dpv:ServiceUsageAnalytics",
    Purpose.PRODUCT_UPDATES: "dpv:Marketing",
    Interest.STATISTICS: "dpv:ServiceUsageAnalytics",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a record says beside the ledger: who runs the site, where it is, and what its tables hold."""

    profile: Profile
    url: str  # the site's origin, no slash at its end
    stores: tuple[Store, ...]


def records_of(account: Account, entries: Sequence[ConsentEntry], around: Circumstances) -> list[Record]:
    """Return one record for each purpose that occurs in `entries`, with its events in order."""
    names = dict.fromkeys(entry.purpose for entry in entries)
    return [_record(account, subject_called(name), [one for one in entries if one.purpose == name], around) for name in names]


def _record(account: Account, subject: Subject, entries: Sequence[ConsentEntry], around: Circumstances) -> Record:
    law = around.profile.law
    parties = {"controller": law.controller, "dpo": law.dpo, "authority": law.authority}
    return {
        "record": {
            "schema_version": SCHEMA,
            "record_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{around.url}/{account.public_id}/{subject}")),
            "pii_principal_id": account.public_id,
        },
        "pii_processing": {
            "privacy_notice": _notice(entries[-1], around),
            "language": "en",
            "purposes": [_purpose(subject, entries[-1], around)],
        },
        "party_identification": [_party(role, contact) for role, contact in parties.items() if contact is not None],
        "event": list(_events(account, entries)),
    }


def _notice(entry: ConsentEntry, around: Circumstances) -> dict[str, Any]:
    notice: dict[str, Any] = {"url": f"{around.url}/privacy", "consent_notice_sha256": entry.wording_hash}
    if entry.notice_version is not None:
        notice["version"] = entry.notice_version
    return notice


def _purpose(subject: Subject, entry: ConsentEntry, around: Circumstances) -> dict[str, Any]:
    wording = find_wording(subject, entry.wording_hash)
    regions = list(around.profile.law.regions)
    found: dict[str, Any] = {
        "purpose": wording.title if wording else str(subject),
        "purpose_type": _TYPES[subject],
        "lawful_basis": "legitimate interest" if isinstance(subject, Interest) else "consent",
        "pii_information": [{"pii_type": one, "pii_optional": True} for one in _touched(subject, around.stores)],
        "pii_controllers": ["controller"],
        "collection_method": ["given by the person", "arising from use of the service"],
        "storage_locations": regions,
        "processing_locations": regions,
        "jurisdiction": ", ".join(regions),
        "retention_period": wording.how_long if wording else "",
        "recipient_third_parties": [],
        "withdrawal_method": f"{around.url}/settings/privacy",
        "privacy_rights": {
            "access, correction, erasure, portability, restriction, objection": f"{around.url}/settings/privacy"
        },
    }
    if around.profile.law.authority is not None:
        found["authority_party"] = "authority"
    return found


def _touched(subject: Subject, stores: Iterable[Store]) -> list[str]:
    """Return what is processed for `subject`, in the words of the tables that stand on it."""
    held = [store.holds for store in stores if stands_on(store, subject)]
    return [*held, *_BESIDE_TABLES.get(subject, ())] or [str(subject)]


def _party(role: str, contact: Contact) -> dict[str, Any]:
    roles = {"controller": "PII controller", "dpo": "data protection officer", "authority": "data protection authority"}
    party: dict[str, Any] = {
        "party_id": role,
        "party_name": contact.name,
        "party_role": roles[role],
        "party_type": roles[role],
        "party_address": contact.address,
        "party_contact": {"url": "/privacy"},
    }
    more = {"party_email": contact.email, "party_url": contact.url and str(contact.url), "party_phone": contact.phone}
    return party | {name: value for name, value in more.items() if value}


def _events(account: Account, entries: Sequence[ConsentEntry]) -> Iterable[dict[str, Any]]:
    earlier: ConsentEntry | None = None
    for entry in entries:
        subject = subject_called(entry.purpose)
        wording = find_wording(subject, entry.wording_hash)
        yield {
            "event_time": entry.at.isoformat(),
            "validity_duration": "until withdrawn" if entry.given else "none",
            "entity_id": account.public_id,
            "event_type": "explicit",
            "event_state": _state(entry, earlier),
            "event_method": entry.source,
            "consent_notice": _words(wording) if wording else [],
            "ledger_entry": row_of(entry),
        }
        earlier = entry


def _words(wording: Wording) -> list[str]:
    return [wording.title, wording.does, wording.who_sees, wording.how_long, wording.ends]


def _state(entry: ConsentEntry, earlier: ConsentEntry | None) -> str:
    """Return DPV's name for what happened (https://w3id.org/dpv#ConsentStatus); an objection is no consent, and says so."""
    if entry.purpose in INTERESTS:
        return "objection withdrawn" if entry.given else "objection"
    if entry.given:
        return "RenewedConsentGiven" if earlier is not None and earlier.given else "ConsentGiven"
    if entry.source in OBJECTIONS and not (earlier is not None and earlier.given):
        return "ConsentRefused"
    return "ConsentWithdrawn"
