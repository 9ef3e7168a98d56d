"""A mail server on loopback that keeps what it is given: as much of SMTP (RFC 5321) as a client needs to deliver a letter."""

import re
import socketserver
import threading
from email import message_from_bytes
from email.message import Message
from typing import cast
from urllib.parse import urlsplit


class Mailbox:
    """Every mail that arrived, oldest first."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.mailbox = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._server.server_address[1]}?from=site@scratch.example"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def to(self, address: str) -> list[Message]:
        """Return the mails to one address."""
        return [mail for mail in self.mails if address in (mail["To"] or "")]

    def link_to(self, address: str) -> str | None:
        """Return the path of the newest link that was mailed to `address`, if there is one."""
        links = [link for mail in self.to(address) for link in re.findall(r"https?://\S+", text_of(mail))]
        return urlsplit(links[-1])._replace(scheme="", netloc="").geturl() if links else None


def text_of(mail: Message) -> str:
    """Return the words of a mail."""
    payload = cast(bytes, mail.get_payload(decode=True) or b"")
    return payload.decode(errors="replace").replace("\r\n", "\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mailbox: Mailbox


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._say("220 scratch")
        while line := self.rfile.readline(2000):
            match line.split(b" ", 1)[0].strip().upper():
                case b"EHLO" | b"HELO":
                    self._say("250 scratch")
                case b"DATA":
                    self._say("354 go on")
                    self.server.mailbox.mails.append(message_from_bytes(self._letter()))
                    self._say("250 kept")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _letter(self) -> bytes:
        lines = []
        while (line := self.rfile.readline(2000)) and line != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())
