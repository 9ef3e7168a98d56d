"""What accounts do again and again: send the mail that waits."""

import logging

from chat.accounts import mailings, outbox
from chat.accounts.mail import outbox_key
from chat.accounts.smtp import MailServer, NotSent
from chat.kernel import clock
from chat.kernel.crypto import CannotOpen
from chat.kernel.db import db
from chat.kernel.site import current_site

log = logging.getLogger("chat.accounts")

# Few, so that a mail which somebody waits for is looked for again soon.
_MOST_AT_ONCE = 20
_LONGEST_RUN_SECONDS = 45
# So many mails of mailings wait at most: the rest are still accounts, whose address or mind may change meanwhile.
_MOST_OF_MAILINGS = 1000


def send_mail() -> int:
    """Send what is due, for a while: whoever asks for a new password meanwhile is not to wait for all of a mailing.

    Return how many mails left.
    """
    settings = current_site().settings
    if settings.mail_url is None or settings.chat_public_url is None:
        return 0
    server = MailServer.at(settings.mail_url, public_url=settings.chat_public_url)
    until, sent = clock.monotonic() + _LONGEST_RUN_SECONDS, 0
    while clock.monotonic() < until:
        rows = outbox.list_due(clock.now(), _MOST_AT_ONCE)
        db.session.commit()
        if not rows:
            break
        sent += sum(_send(server, row) for row in rows)
    return sent


def _send(server: MailServer, row: int) -> bool:
    claimed = outbox.claim(row, clock.now())
    # Committed before sending: a second worker must see the claim, and no lock is held while a mail server thinks.
    db.session.commit()
    if claimed is None:
        return False
    sent = False
    try:
        server.send(outbox.open_letter(outbox_key(), claimed), claimed.public_id)
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


def go_on_with_mailings() -> int:
    """Put the next mails of each mailing into the outbox, batch by batch. Return how many."""
    written = 0
    for row in mailings.list_open():
        while outbox.count_of_mailings() < _MOST_OF_MAILINGS:
            batch = mailings.write_batch(row, outbox_key(), clock.now())
            # Mails and how far it has got in one transaction: a crash repeats nobody and leaves nobody out.
            db.session.commit()
            if batch is None:
                break
            written += batch
    return written
