"""The certificate of an erasure: what went, what stays and why and until when. Its format is in docs/deletion.md.

It names nobody. Whoever knows the account's public id can see that the certificate is about that one.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from chat.datarights.models_erase import Erasure, Scope
from chat.kernel.personal_data import Store
from chat.kernel.profile import Profile
from chat.kernel.signing import Document

TYPE = "certificate of erasure"
VERSION = 1


def certify(erasure: Erasure, stores: Sequence[Store], profile: Profile) -> Document:
    """Return the certificate of an erasure that was read back, before it is signed."""
    assert erasure.began_at
    assert erasure.ended_at
    whole = erasure.scope == Scope.ACCOUNT
    return {
        "type": TYPE,
        "version": VERSION,
        "number": erasure.public_id,
        "site": profile.site.name,
        "controller": profile.law.controller.name,
        "policy_date": profile.site.policy_date.isoformat(),
        "scope": erasure.scope,
        "subject": f"sha256:{erasure.subject}",
        "asked_by": erasure.asked_by,
        "asked_at": erasure.asked_at.isoformat(),
        "began_at": erasure.began_at.isoformat(),
        "ended_at": erasure.ended_at.isoformat(),
        "removed": [{"what": title, "rows": erasure.removed[title]} for title in sorted(erasure.removed)],
        "stays": list(_stays(erasure, stores, profile)),
        "key": "destroyed" if whole else "replaced",
        "read_back": {"tables": len(stores), "rows_found": 0, "key_found": False},
        "outside": list(_outside(profile, whole=whole)),
    }


def _stays(erasure: Erasure, stores: Sequence[Store], profile: Profile) -> Iterable[Document]:
    for store in stores:
        if store.stays and (count := erasure.kept.get(store.title)):
            until = _days(store.keep_for(profile)) if store.keep_for else "as long as this site exists"
            yield {
                "what": store.title,
                "rows": count,
                "without": "anything that leads to you",
                "why": store.stays,
                "until": until,
            }


def _outside(profile: Profile, *, whole: bool) -> Iterable[Document]:
    """What this software cannot reach, said as it is."""
    keeps = profile.retention
    about = "your e-mail address and what else stood in plain rows" if whole else "which rows you had, and when"
    yield {
        "what": "backups of the database",
        "holds": f"{about}; what you wrote is unreadable there, because its key is gone",
        "until": _stated(keeps.backups),
    }
    yield {
        "what": "backups of the keyring",
        "holds": "the old key, wrapped by the site's master key; with a backup of the database it opens what you wrote",
        "until": _stated(keeps.key_backups),
    }
    yield {
        "what": "logs of this site",
        "holds": "addresses of pages without their content, times and codes; never your name, e-mail address or words",
        "until": f"at most {_count_of(keeps.request_logs)} after they were written",
    }
    yield {
        "what": "counters of rate limits",
        "holds": "a keyed hash and a number, in memory",
        "until": "at most a day after the last request",
    }
    yield {
        "what": "model providers",
        "holds": "what you sent to their models, without your name",
        "until": _providers(profile),
    }
    if "improvement" in profile.consents.offered:
        yield {
            "what": "exports for improving the service",
            "holds": "conversations you had released for it, under a pseudonym, if one was made before today",
            "until": "they are on the list of revocations that whoever has an export must follow",
        }


def _providers(profile: Profile) -> str:
    known = sorted({(one.name, one.policy.retention_days) for one in profile.providers if one.policy is not None})
    return "; ".join(f"{name}: {_count_of(days) if days else 'not kept'}" for name, days in known)


def _stated(days: int | None) -> str:
    return "not stated by the operator of this site" if days is None else f"{_count_of(days)} after they were made"


def _days(span: timedelta) -> str:
    return f"{_count_of(span.days)} after they were written"


def _count_of(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
