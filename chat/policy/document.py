"""The policy as one document: the words and values that are promised. Whether they were found kept is no part of it.

Its hash is the policy's version: a word, a number or a provider that changes makes another one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile
from chat.policy.page import PromiseView, absent_view, address_sentence, holdings, purposes, sections_view
from chat.policy.promise import Section, State
from chat.policy.promises.every import SECTIONS
from chat.policy.reports import Checked
from chat.providers.catalogue import Model


def policy_document(profile: Profile, stores: Iterable[Store], models: Iterable[Model]) -> dict[str, Any]:
    """Return all that the policy says, as plain data."""
    stated = profile.model_dump(mode="json", exclude_none=True)
    return {
        "site": stated["site"]["name"],
        "language": stated["site"]["language"],
        "in_force_since": stated["site"]["policy_date"],
        "law": stated["law"],
        "promises": [_section(section, profile) for section in SECTIONS],
        "consents": [
            {"purpose": purpose.value, "title": str(wording.title), "revision": wording.revision, "wording_hash": wording.hash}
            for purpose, wording in purposes(profile)
        ],
        "address": address_sentence(profile),
        "held": [
            {"holds": one.holds, "why": one.why, "basis": one.basis, "how_long": one.how_long}
            for one in holdings(stores, profile)
        ],
        "retention_days": stated["retention"],
        "models": [_model(model) for model in models],
        "cookies": stated["cookies"],
        "notices": stated["notices"],
        "subprocessors": stated["subprocessors"],
    }


def policy_hash(document: dict[str, Any]) -> str:
    """Return the SHA-256 of the document, which is its version."""
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def with_findings(document: dict[str, Any], profile: Profile, checked: Mapping[str, Checked]) -> dict[str, Any]:
    """Return the document with the state, the evidence and the time of the newest check beside each promise."""
    why = {one.id: one.why for one in absent_view(SECTIONS, profile)}
    found = {one.id: one for section in sections_view(SECTIONS, profile, checked) for one in section.promises}
    sections = [
        section | {"promises": [one | _finding(found.get(one["id"]), why.get(one["id"], "")) for one in section["promises"]]}
        for section in document["promises"]
    ]
    return document | {"promises": sections}


def _finding(found: PromiseView | None, why_not: str) -> dict[str, str | None]:
    if found is None:
        return {"state": State.NOT_OFFERED.value, "evidence": why_not, "checked_at": None}
    at = found.checked_at.isoformat() if found.checked_at else None
    return {"state": found.state, "evidence": found.evidence, "checked_at": at}


def _section(section: Section, profile: Profile) -> dict[str, Any]:
    return {
        "section": section.name,
        "title": section.title,
        "promises": [
            {"id": one.id, "offered": one.is_offered(profile), "words": one.wording(profile)} for one in section.promises
        ],
    }


def _model(model: Model) -> dict[str, Any]:
    policy = model.policy
    return {
        "id": model.id,
        "provider": model.provider_name,
        "region": policy.region,
        "retention_days": policy.retention_days,
        "trains": policy.trains,
        "policy_url": policy.url,
        "checked": policy.checked.isoformat(),
    }
