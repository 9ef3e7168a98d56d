"""The mails around an erasure. The certificate's reader has no account any more, so their address waits encrypted."""

import json
import logging
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from chat.accounts import mail
from chat.accounts.models import Account
from chat.datarights.models_erase import Erasure
from chat.kernel import crypto
from chat.kernel.signing import Document
from chat.kernel.site import Site

log = logging.getLogger("chat.datarights")


def keep_address(erasure: Erasure, account: Account, site: Site) -> None:
    """Remember where the certificate is to go, encrypted; where the site sends no mail it need not know."""
    if site.settings.mail_url is not None:
        erasure.address = crypto.encrypt(_key(site), account.email.encode(), erasure.public_id.encode())


def send_certificate(erasure: Erasure, certificate: Document, site: Site) -> None:
    """Post the certificate to whoever waits for it, and forget where that was: the last thing this site knew of them."""
    if erasure.address is None:
        return
    sealed, erasure.address = erasure.address, None
    try:
        address = crypto.decrypt(_key(site), sealed, erasure.public_id.encode()).decode()
    except crypto.CannotOpen:
        log.warning("a certificate cannot be mailed: the site's secret has changed", extra={"code": "cannot_open"})
        return
    whole = json.dumps(certificate, indent=2, ensure_ascii=False)
    text = _rendered("mail/erased.txt", certificate=whole, link=_link(site, "erasure.certificate", public_id=erasure.public_id))
    mail.post(address, _("What was erased: your certificate"), text, account_id=None)


def tell_of_closing(account: Account, site: Site, number: str) -> None:
    """Tell the person, and whoever else reads their mail, that the account goes, when, and how to keep it."""
    _tell(account, site, _("Your account will be erased"), "mail/closing.txt", number=number)


def tell_of_reopening(account: Account, site: Site) -> None:
    _tell(account, site, _("Your account stays"), "mail/reopened.txt")


def _tell(account: Account, site: Site, subject: str, template: str, **words: Any) -> None:
    if site.settings.mail_url is None:
        return  # the console is for links that must reach somebody; this is on the page
    link = _link(site, "erasure.closing_page")
    mail.post(account.email, subject, _rendered(template, account=account, link=link, **words), account_id=account.id)


def _rendered(template: str, **words: Any) -> str:
    # Not render_template: a job has no request, which the pages' own values come from.
    return current_app.jinja_env.get_template(template).render(**words)


def _link(site: Site, endpoint: str, **values: str) -> str:
    path: str = current_app.url_map.bind("").build(endpoint, values)
    return (site.settings.chat_public_url or "") + path


def _key(site: Site) -> bytes:
    return crypto.derive(site.secret, "erasure")
