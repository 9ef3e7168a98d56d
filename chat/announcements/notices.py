"""Notices to everybody: shown at the top of every page, with a way to delete one's account first."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from chat.accounts.mail import site_link, written
from chat.accounts.mailings import Kind, plain_letter, write_mailing
from chat.accounts.models import Mailing
from chat.announcements.models import SiteNotice
from chat.kernel import clock
from chat.kernel.after_commit import after_commit
from chat.kernel.banners import Banner
from chat.kernel.db import db
from chat.kernel.errors import NotFound
from chat.kernel.ids import public_id
from chat.kernel.site import Site

NOTICE_MAILING = "notice"
KIND = Kind(name=NOTICE_MAILING, letter=plain_letter)  # essential: it goes to everybody with an account
# Where one deletes one's account.
DELETION = "/settings/delete"
_EXTENSION = "candor_notices_shown"
# Every page asks. A notice of another process appears this late at most.
_FRESH_SECONDS = 5.0


def publish_notice(title: str, text: str, *, until: datetime | None, now: datetime) -> SiteNotice:
    """Return a new notice. Every page shows it once the caller's transaction is committed."""
    notice = SiteNotice(public_id=public_id(), title=title, text=text, published_at=now, until=until)
    db.session.add(notice)
    after_commit(_forget)
    return notice


def mail_notice(notice: SiteNotice, site: Site, now: datetime) -> Mailing | None:
    """Tell everybody by mail too. Return the mailing; None on a site that sends no mail."""
    if site.settings.mail_url is None:
        return None
    links = {"deletion": (site.settings.chat_public_url or "") + DELETION, "privacy": site_link("policy.privacy")}
    text = written("mail/notice.txt", title=notice.title, text=notice.text, **links)
    subject = _("%(site)s: %(title)s", site=site.profile.site.name, title=notice.title)
    return write_mailing(NOTICE_MAILING, subject[:200], text, now)


def withdraw_notice(number: str, now: datetime) -> None:
    """Show the notice no longer. Raises NotFound."""
    notice = db.session.scalar(sa.select(SiteNotice).where(SiteNotice.public_id == number, SiteNotice.withdrawn_at.is_(None)))
    if notice is None:
        raise NotFound("There is no such notice, or it is withdrawn.")
    notice.withdrawn_at = now
    after_commit(_forget)


def list_notices() -> Sequence[SiteNotice]:
    """Return all notices that are not withdrawn, the newest first."""
    standing = sa.select(SiteNotice).where(SiteNotice.withdrawn_at.is_(None))
    return db.session.scalars(standing.order_by(SiteNotice.published_at.desc(), SiteNotice.id.desc())).all()


def banners() -> list[Banner]:
    """Return the notices to show now."""
    now = clock.now()
    links = ((DELETION, _("Delete my account")),)
    return [Banner(title=title, text=text, links=links) for title, text, until in _shown() if until is None or until > now]


def _shown() -> tuple[tuple[str, str, datetime | None], ...]:
    known: tuple[float, tuple[tuple[str, str, datetime | None], ...]] | None = current_app.extensions.get(_EXTENSION)
    if known is not None and known[0] > clock.monotonic():
        return known[1]
    found = tuple((one.title, one.text, one.until) for one in list_notices())
    current_app.extensions[_EXTENSION] = (clock.monotonic() + _FRESH_SECONDS, found)
    return found


def _forget() -> None:
    current_app.extensions.pop(_EXTENSION, None)
