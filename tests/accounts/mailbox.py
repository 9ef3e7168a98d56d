"""A real mail server on loopback that keeps what it is given."""

import re
import socket
import time
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler


class Mailbox:
    """Every mail that arrived, oldest first. `answer` lets the server refuse what it is given."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answer: str | None = None
        self._controller = Controller(_Keep(self), hostname="127.0.0.1", port=_free_port())

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._controller.port}?from=chat@candor.example"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def to(self, address: str) -> list[Message]:
        return [mail for mail in self.mails if mail["To"] == address]

    def link_to(self, address: str) -> str:
        """The path of the only link in the newest mail to this address."""
        (link,) = links_in(self.to(address)[-1])
        return urlsplit(link).path

    def wait(self, seconds: float) -> bool:
        """Whether a mail arrives within this time."""
        deadline = time.monotonic() + seconds
        while not self.mails and time.monotonic() < deadline:
            time.sleep(0.01)
        return bool(self.mails)


def text_of(mail: Message) -> str:
    payload: Any = mail.get_payload(decode=True)
    text: str = payload.decode().replace("\r\n", "\n")
    return text


def links_in(mail: Message) -> list[str]:
    return re.findall(r"https?://\S+", text_of(mail))


class _Keep(MessageHandler):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__()
        self._mailbox = mailbox

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self._mailbox.answer is not None:
            return self._mailbox.answer
        self._mailbox.mails.append(self.prepare_message(session, envelope))
        return "250 OK"

    def handle_message(self, message: Message) -> None:
        raise NotImplementedError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
