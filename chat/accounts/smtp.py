"""The mail server of MAIL_URL: `smtp://`, `smtps://` or `smtp+starttls://`, with `?from=` for the sender."""

import smtplib
import ssl
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from chat.accounts.outbox import Letter

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_SECONDS = 30
# A link in a header, such as the way out of news, must arrive in one piece; 998 is what RFC 5322 allows.
_WHOLE_LINES = policy.default.clone(max_line_length=998)


class NotSent(Exception):
    """The server did not take the mail. `code` is SMTP's, or 0 when there was no answer; 5xx means never."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    @property
    def is_final(self) -> bool:
        return 500 <= self.code < 600


@dataclass(frozen=True, slots=True, repr=False)
class MailServer:
    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None
    sender: str

    @classmethod
    def at(cls, url: str, *, public_url: str) -> Self:
        """Return the server of this MAIL_URL; without `?from=` mail comes from no-reply at the site's own host."""
        parts = urlsplit(url)
        assert parts.hostname
        given = parse_qs(parts.query).get("from", [])
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            sender=given[0] if given else f"no-reply@{urlsplit(public_url).hostname}",
        )

    def send(self, letter: Letter, name: str) -> None:
        """Hand the letter over. Raises NotSent.

        `name` is the same at each attempt: if a crash makes two of one letter, they carry one Message-ID.
        """
        message = EmailMessage(policy=_WHOLE_LINES)
        message["To"] = letter.to
        message["From"] = self.sender
        message["Subject"] = letter.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{name}@{self.sender.rpartition('@')[2].rstrip('> ')}>"
        # Out-of-office answers are not wanted (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        for header, value in letter.headers.items():
            message[header] = value
        message.set_content(letter.text)
        try:
            with self._connect() as server:
                if self.scheme == "smtp+starttls":
                    server.starttls(context=ssl.create_default_context())
                if self.user is not None:
                    server.login(self.user, self.password or "")
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise NotSent(max(code for code, _text in error.recipients.values())) from None
        except smtplib.SMTPResponseException as error:
            # What is wrong with our own log-in may be put right; it is not the letter's fault.
            raise NotSent(0 if isinstance(error, smtplib.SMTPAuthenticationError) else error.smtp_code) from None
        except (smtplib.SMTPException, OSError):
            raise NotSent(0) from None

    def _connect(self) -> smtplib.SMTP:
        if self.scheme == "smtps":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, self.port, timeout=_SECONDS)
