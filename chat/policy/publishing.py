"""Publishing a version of the policy: told by mail where it is material, and recorded as an act of the operator."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _

from chat.accounts import audit
from chat.accounts.mail import site_link, written
from chat.accounts.mailings import Kind, plain_letter, write_mailing
from chat.accounts.models import Mailing
from chat.kernel.errors import Problem
from chat.kernel.personal_data import current_stores
from chat.kernel.profile import Profile
from chat.kernel.site import Site
from chat.policy.document import policy_document, policy_hash
from chat.policy.models import PolicyVersion
from chat.policy.versions import add_version, last_version
from chat.providers.catalogue import Catalogue
from chat.providers.current import current_catalogue

POLICY_MAILING = "policy"
KIND = Kind(name=POLICY_MAILING, letter=plain_letter)  # essential: it goes to everybody with an account


class NothingChanges(Problem):
    """The policy to be published is the one that was published last."""

    status = 409
    code = "nothing_changes"


@dataclass(frozen=True, slots=True)
class Live:
    """The policy that a configuration comes to."""

    document: dict[str, Any]
    hash: str


def live_policy(site: Site, profile: Profile | None = None) -> Live:
    """Return the policy of the running configuration, or what it would be under another profile."""
    catalogue = Catalogue(profile, site.settings) if profile else current_catalogue()
    document = policy_document(profile or site.profile, current_stores(), catalogue.list_models())
    return Live(document, policy_hash(document))


def publish_first(site: Site, now: datetime) -> PolicyVersion | None:
    """Publish version 1, if there is none: a site's first policy changes nothing for anybody. Return it."""
    if last_version() is not None:
        return None
    live = live_policy(site)
    summary = _("The first version.")
    return add_version(live.document, live.hash, summary=summary, is_material=False, notice=timedelta(0), now=now)


def publish(
    site: Site,
    live: Live,
    *,
    summary: str,
    is_material: bool,
    asks_again: Iterable[str],
    notice: timedelta,
    now: datetime,
) -> tuple[PolicyVersion, Mailing | None]:
    """Return the new version, and the mailing that tells of it. Raises NothingChanges.

    There is no mailing for a minor version, nor on a site that sends no mail: there the banner tells.
    """
    publish_first(site, now)
    last = last_version()
    if last is not None and last.hash == live.hash:
        raise NothingChanges(
            _("The policy is, word for word, version %(number)s. There is nothing to publish.", number=last.number)
        )
    version = add_version(
        live.document,
        live.hash,
        summary=summary,
        is_material=is_material,
        notice=notice,
        asks_again=asks_again if is_material else (),
        now=now,
    )
    audit.record("policy published", reason=summary[:500], now=now)
    if not is_material or site.settings.mail_url is None:
        return version, None
    text = written(
        "mail/policy_changes.txt",
        summary=summary,
        day=format_date(version.in_force_at, "d MMMM yyyy"),
        changes=site_link("policy_versions.changes", number=version.number),
        deletion=(site.settings.chat_public_url or "") + "/settings/delete",
        asks_again=bool(version.asks_again),
    )
    subject = _("The privacy policy of %(site)s changes", site=site.profile.site.name)
    return version, write_mailing(POLICY_MAILING, subject, text, now)
