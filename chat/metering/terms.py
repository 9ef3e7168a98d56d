"""What this site says of a model, written down before the model is asked, so that a receipt made later says what held then."""

import hashlib
from functools import lru_cache

import sqlalchemy as sa

from chat.kernel.db import db, insert_or_change
from chat.kernel.signing import Document, canonical
from chat.metering.clerk import Clerk
from chat.metering.models import ModelTerms
from chat.providers.catalogue import Model


@lru_cache(maxsize=1024)
def terms_of(model: Model) -> tuple[str, Document]:
    """Return what is said of `model` now, as receipts say it, and the digest it is found by."""
    policy = model.policy
    said: Document = {
        "model": {"id": model.id, "name": model.name},
        "provider": {
            "id": model.provider_id,
            "name": model.provider_name,
            "host": model.host,
            "region": policy.region,
            "retention_days": policy.retention_days,
            "trains": policy.trains,
            "terms": policy.url or None,
            "checked": policy.checked.isoformat(),
        },
    }
    return hashlib.sha256(canonical({"type": "terms"} | said)).hexdigest()[:32], said


def note_terms(model: Model, clerk: Clerk) -> str:
    """Return the digest of what is said of `model` now. It is written down; a process does that once for each model."""
    digest, said = terms_of(model)
    if digest not in clerk.noted:
        clerk.do(lambda connection: _note(connection, digest, said))
        clerk.noted.add(digest)
    return digest


def find_terms(digest: str) -> Document | None:
    """Return what was said when it had this digest."""
    return db.session.scalar(sa.select(ModelTerms.said).where(ModelTerms.digest == digest))


def _note(connection: sa.Connection, digest: str, said: Document) -> None:
    connection.execute(insert_or_change(ModelTerms, connection).values(digest=digest, said=said).on_conflict_do_nothing())
