"""Where mail goes when Flask-Security or a view writes one: into the outbox, or onto the operator's console."""

from typing import Any

import click
from flask import current_app, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import MailUtil

from chat.accounts import outbox
from chat.accounts.models import Account
from chat.kernel import clock, crypto
from chat.kernel.after_commit import after_commit
from chat.kernel.site import current_site


class Outbox(MailUtil):
    """Flask-Security's way out. It would otherwise send within the request, and fail the page with the mail server."""

    def send_mail(
        self, template: str, subject: str, recipient: Any, sender: Any, body: str | None, html: str | None, **context: Any
    ) -> None:
        account = context.get("user")
        post(str(recipient), str(subject), body or "", account_id=account.id if account else None)


def post(to: str, subject: str, text: str, *, account_id: int | None) -> None:
    """Send a mail once this transaction is committed."""
    letter = outbox.Letter(to, subject, text.strip() + "\n")
    if current_site().settings.mail_url is None:
        after_commit(lambda: _show(letter))
    else:
        outbox.write(outbox_key(), letter, account_id=account_id, now=clock.now())


def post_notice_of_new_address(account: Account, old_email: str) -> None:
    """Tell the old address that the account has left it, so that a thief cannot take an account unnoticed."""
    text = render_template("mail/address_changed.txt", user=account)
    post(old_email, _("The e-mail address of your account was changed"), text, account_id=account.id)


def outbox_key() -> bytes:
    return crypto.derive(current_site().secret, "outbox")


def mailed_link(endpoint: str, **values: Any) -> str:
    """Return a link for a mail. It leads to the configured origin, never to the Host header of whoever asked."""
    origin = current_site().settings.chat_public_url or request.host_url.rstrip("/")
    return origin + url_for(endpoint, **values)


def site_link(endpoint: str, **values: Any) -> str:
    """Return such a link where no request is answered, in a command or a job."""
    path: str = current_app.url_map.bind("").build(endpoint, values)
    return (current_site().settings.chat_public_url or "") + path


def written(template: str, **words: Any) -> str:
    """Return a mail's text, where no request is answered: the pages' own values come from one."""
    text: str = current_app.jinja_env.get_template(template).render(**words)
    return text.strip() + "\n"


def _show(letter: outbox.Letter) -> None:
    # The operator's own terminal, where MAIL_URL is not set: the only way for a link to reach anybody. Never the log.
    click.echo(f"\n--- mail to {letter.to}: {letter.subject}\n{letter.text}---\n")
