"""What accounts do again and again: send the mail that waits."""

import logging

from chat.accounts import outbox
from chat.accounts.mail import outbox_key
from chat.accounts.smtp import MailServer, NotSent
from chat.kernel import clock
from chat.kernel.crypto import CannotOpen
from chat.kernel.db import db
from chat.kernel.site import current_site

log = logging.getLogger("chat.accounts")

_MOST_AT_ONCE = 100


def send_mail() -> int:
    """Send what is due. Return how many mails left."""
    settings = current_site().settings
    if settings.mail_url is None or settings.chat_public_url is None:
        return 0
    server = MailServer.at(settings.mail_url, public_url=settings.chat_public_url)
    rows = outbox.list_due(clock.now(), _MOST_AT_ONCE)
    db.session.commit()
    return sum(_send(server, row) for row in rows)


def _send(server: MailServer, row: int) -> bool:
    claimed = outbox.claim(row, clock.now())
    # Committed before sending: a second worker must see the claim, and no lock is held while a mail server thinks.
    db.session.commit()
    if claimed is None:
        return False
    sent = False
    try:
        server.send(outbox.open_letter(outbox_key(), claimed))
        outbox.discard(claimed)
        sent = True
    except CannotOpen:
        log.warning("a mail was given up: the site's secret has changed", extra={"code": "cannot_open"})
        outbox.discard(claimed)
    except NotSent as failure:
        extra = {"code": failure.code, "attempt": claimed.attempt}
        if failure.is_final or claimed.attempt >= outbox.MOST_ATTEMPTS:
            log.warning("a mail was given up", extra=extra)
            outbox.discard(claimed)
        else:
            log.info("a mail could not be sent yet", extra=extra)
            outbox.postpone(claimed, clock.now())
    db.session.commit()
    return sent
