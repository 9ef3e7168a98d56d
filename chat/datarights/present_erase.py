"""What the pages around erasing are given."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chat.accounts.models import Account
from chat.datarights import removal
from chat.datarights.models_erase import Scope
from chat.kernel.personal_data import Store
from chat.kernel.signing import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class GoesView:
    title: str
    holds: str
    rows: int
    stays: str | None  # why the rows outlive the account, without anything that leads to it


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    number: str
    is_account: bool
    site: str
    subject: str
    ended_at: datetime
    removed: list[dict[str, object]]
    stays: list[dict[str, object]]
    outside: list[dict[str, object]]
    key: str  # "destroyed" or "replaced"
    tables: int
    signed_by: str
    text: str  # the whole document, as it is downloaded
    download: str  # the same as an address that needs no server


def what_goes(stores: Sequence[Store], account: Account, scope: Scope) -> list[GoesView]:
    """Return what an erasure would take, by its declarations; kinds of which there is nothing are left out."""
    found = []
    for store in removal.about_people(stores):
        if store.owner is None or (scope == Scope.CONTENT and (store.part_of_account or store.stays)):
            continue
        if rows := removal.count_rows(store, account.id):
            found.append(GoesView(title=store.title, holds=store.holds, rows=rows, stays=store.stays))
    return sorted(found, key=lambda one: (one.stays is not None, -one.rows))


def certificate_view(document: Document) -> CertificateView:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return CertificateView(
        number=document["number"],
        is_account=document["scope"] == Scope.ACCOUNT,
        site=document["site"],
        subject=document["subject"],
        ended_at=datetime.fromisoformat(document["ended_at"]),
        removed=document["removed"],
        stays=document["stays"],
        outside=document["outside"],
        key=document["key"],
        tables=document["read_back"]["tables"],
        signed_by=document["proof"]["key"],
        text=text,
        download="data:application/json;base64," + base64.b64encode(text.encode()).decode(),
    )
