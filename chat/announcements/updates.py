"""News by mail: only to who asked for it, and one click ends it (RFC 8058). Off until a person switches it on."""

import hmac
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from chat.accounts import mailings
from chat.accounts.mail import site_link
from chat.accounts.mailings import Kind, write_mailing
from chat.accounts.models import Account, Mailing
from chat.accounts.outbox import Letter
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.kernel import crypto
from chat.kernel.db import db
from chat.kernel.errors import Problem, Refused
from chat.kernel.ids import is_public_id
from chat.kernel.site import Site, current_site

UPDATES_MAILING = "updates"


class BadLink(Problem):
    """The token of an unsubscribe link is not one of ours, or the site's secret has changed since."""

    code = "bad_link"


def send_updates(subject: str, text: str, site: Site, now: datetime) -> Mailing:
    """Return a mailing to those who asked for news. Raises Refused where nobody could have asked."""
    if Purpose.PRODUCT_UPDATES not in site.profile.consents.offered:
        raise Refused('This site asks nobody for news: add "product_updates" to consents.offered in its profile.')
    if site.settings.mail_url is None:
        raise Refused("This site sends no mail: MAIL_URL is not set.")
    return write_mailing(UPDATES_MAILING, subject, text.strip() + "\n", now)


def letter(mailing: Mailing, account: Account) -> Letter | None:
    """Return the news for this person, with their own way out of it; None if they did not ask for any, or are frozen."""
    site = current_site()
    if Purpose.PRODUCT_UPDATES not in site.profile.consents.offered or not _wants_news(account):
        return None
    link = site_link("announcements.unsubscribe", token=token_of(account.public_id, site.secret))
    ending = _("You get this because you asked for news from %(site)s. One click ends it:", site=site.profile.site.name)
    headers = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return Letter(account.email, mailing.subject, f"{mailing.text}\n-- \n{ending}\n{link}\n", headers)


KIND = Kind(name=UPDATES_MAILING, letter=letter)


def unsubscribe(token: str, now: datetime) -> None:
    """Record that the person behind this link wants no more news. Doing it twice is like doing it once. Raises BadLink."""
    account = db.session.scalar(sa.select(Account).where(Account.public_id == open_token(token, current_site().secret)))
    if account is None:
        return  # erased since: nobody is left who could get any
    ledger.withdraw(account, Purpose.PRODUCT_UPDATES, Source.MAIL_LINK, now)
    mailings.call_back(account, UPDATES_MAILING)


def token_of(public_id: str, secret: str) -> str:
    """Return what an unsubscribe link carries: a random id that names nobody, and a mark that only this site can make."""
    return f"{public_id}.{crypto.keyed_hash(crypto.derive(secret, 'unsubscribe'), public_id)}"


def open_token(token: str, secret: str) -> str:
    """Return the public id of the account that a link belongs to. Raises BadLink."""
    public_id = token.partition(".")[0]
    if not is_public_id(public_id) or not hmac.compare_digest(token.encode(), token_of(public_id, secret).encode()):
        raise BadLink(_("This link is not whole, or too old. Sign in and switch the news off under Settings, Privacy."))
    return public_id


def _wants_news(account: Account) -> bool:
    # An address that nobody confirmed may be a stranger's.
    usable = account.frozen_at is None and account.closing_at is None and account.confirmed_at is not None
    return usable and ledger.allows(account, Purpose.PRODUCT_UPDATES)
