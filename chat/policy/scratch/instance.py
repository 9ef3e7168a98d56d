"""A scratch instance: the real application with the running configuration, its own folder, database, keys, clock and mail.

Checks are handed one, and do with it what people do with the site. No provider that costs money is ever asked.
"""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chat.accounts.outbox import SEND_JOB
from chat.kernel.profile import Profile
from chat.kernel.settings import ROOT, Settings
from chat.policy.promise import Broken
from chat.policy.scratch.configuration import write_configuration
from chat.policy.scratch.database import Tables, drop_schema, is_postgresql, new_schema
from chat.policy.scratch.mailbox import Mailbox
from chat.policy.scratch.process import Start, start_process
from chat.policy.scratch.stand_in import StandIn
from chat.policy.scratch.visitor import Person, Visitor
from chat.policy.sweep import Canary, Hit, sweep, watching
from chat.providers.letterhead import Letterheads

_STOP_SECONDS = 10
PASSWORD = "correct horse battery staple"  # noqa: S105  # of people who never lived


class Scratch:
    """A running instance. `profile` and `settings` are the running site's."""

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        folder: Path,
        *,
        mail: bool,
        database: str | None,
        source: Path,
        start: Start,
        beginning: Path | None,
    ) -> None:
        self.settings = settings
        self.profile = profile
        self.folder = folder
        self.instance = folder / "instance"
        self.provider = StandIn()
        self.mailbox = Mailbox() if mail or settings.mail_url else None
        self.log = folder / "output.log"
        self._people: dict[str, Person] = {}
        self._visitors: list[Visitor] = []
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.provider.start()
        if self.mailbox:
            self.mailbox.start()
        environment = write_configuration(
            folder, settings, profile, provider_url=self.provider.url, own_url=self.url, database=database, source=source,
            mail_url=self.mailbox.url if self.mailbox else None,
        )  # fmt: skip
        Letterheads(settings.chat_instance).give(self.instance)
        self.tables = Tables(database or f"sqlite:///{self.instance / 'candor.sqlite'}")
        if beginning is not None:
            shutil.copy(beginning, self.instance / "candor.sqlite")
        with self.log.open("ab") as output:
            self._child = start(str(port), folder / "cwd", environment, output)
        self._ask_ready()

    # Who visits.

    def visitor(self) -> Visitor:
        """Return a guest with a fresh browser at an address of their own."""
        visitor = Visitor(self.url, _some_address(), hops=self.settings.chat_proxies)
        self._visitors.append(visitor)
        return visitor

    def chatter(self) -> Visitor:
        """Return somebody new who may chat: a guest, or where guests may not, somebody who just registered."""
        visitor = self.visitor() if self.profile.sign_in.guests else self.newcomer()
        visitor.open()
        return visitor

    def newcomer(self, name: str = "", *, password: str = PASSWORD) -> Person:
        """Return somebody who just registered, in a fresh browser, signed in. Costs a tenth of a second and more."""
        person = self._person(name or f"person-{secrets.token_hex(5)}")
        person.password = password
        if self.profile.sign_in.is_open:
            self._operator()  # the first account that registers is the operator's
            self._register(person)
        else:
            self._create(person, operator=False)
        if not person.is_signed_in():
            person.sign_in()
        if not person.is_signed_in():
            raise Broken("Somebody who had just registered could not sign in.")
        person.open()
        return person

    def person(self, name: str = "somebody") -> Person:
        """Return a person that checks share, signed in: for checks that leave the account as they found it."""
        if name not in self._people:
            self._people[name] = self.newcomer()
        shared = self._people[name]
        if not shared.is_signed_in():
            shared.sign_in()
        shared.open()
        return shared

    def operator(self) -> Person:
        """Return the site's operator, signed in."""
        operator = self._operator()
        if not operator.is_signed_in():
            operator.sign_in()
        return operator

    def browser_of(self, person: Person) -> Person:
        """Return a second browser of the same person, not signed in."""
        other = Person(self.url, _some_address(), hops=self.settings.chat_proxies)
        other.email, other.password, other.name = person.email, person.password, person.name
        self._visitors.append(other)
        return other

    # Its time, its jobs, its commands.

    def advance(self, **span: float) -> datetime:
        """Move the instance's clock on by a span like `days=31` and return its time. It is never moved back."""
        answer = self._ask(do="advance", seconds=timedelta(**span).total_seconds())
        return datetime.fromisoformat(answer["now"])

    def now(self) -> datetime:
        """Return the instance's time."""
        return self.advance()

    def run(self, *command: str, stdin: str = "") -> str:
        """Run `flask COMMAND` in the instance, at its time, and return what it printed. Raises Broken if it failed."""
        answer = self._ask(do="command", args=list(command), input=stdin)
        if answer["status"]:
            raise Broken(f"`flask {' '.join(command)}` failed: {answer['output'].strip()[-300:]}")
        return str(answer["output"])

    def run_job(self, name: str) -> None:
        """Run one job, as the site does when its turn comes."""
        self.run("jobs", "run", name)

    def let_jobs_run(self) -> None:
        """Run every job once, as the site does within a day; not the one that would start such an instance again."""
        for name in self._ask(do="jobs")["jobs"]:
            if not name.startswith("policy.verify"):
                self.run_job(name)

    def deliver_mail(self) -> None:
        """Send the mail that waits. Without a mailbox it is on the operator's console already: in the log."""
        if self.mailbox:
            self.run_job(SEND_JOB)

    def routes(self) -> list[tuple[str, list[str]]]:
        """Return every address that the application answers, as its pattern, with the methods it takes there."""
        return [(rule, methods) for rule, methods in self._ask(do="routes")["routes"]]

    # What it wrote.

    def keyring_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the keyring."""
        return Tables(f"sqlite:///{self.instance / 'keyring.sqlite'}").rows("account_key")

    def find(self, canary: Canary) -> list[Hit]:
        """Return every place where the canary stands in what the instance wrote: files, their names, rows."""
        hits = sweep(canary, self.folder)
        if self.tables.engine.dialect.name != "sqlite":
            hits += self.tables.find(canary)
        return hits

    @contextmanager
    def watched(self, canary: Canary) -> Iterator[None]:
        """Raise Broken in the end if the canary was written anywhere meanwhile, even into a file that is gone again."""
        with watching(self, canary, self.folder / "temp", self.folder / "cwd", self.folder / "home") as hits:
            yield
        self.require_nowhere(canary, *hits)

    def require_nowhere(self, canary: Canary, *hits: Hit) -> None:
        """Raise Broken if the canary stands anywhere in what the instance wrote."""
        found = sorted({str(one) for one in [*hits, *self.find(canary)]})
        if found:
            raise Broken(f"What somebody wrote was found in {', '.join(found[:4])}.")

    def process_ids(self) -> list[int]:
        """Return the processes that it consists of, as far as this system tells."""
        listed = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children")
        try:
            return [self._child.pid, *map(int, listed.read_text(encoding="ascii").split())]
        except OSError:
            return [self._child.pid]

    def stop(self) -> None:
        """End the process, the stand-in and the mailbox. The folder is its owner's to delete."""
        for visitor in self._visitors:
            visitor.close()
        if self._child.stdin:
            self._child.stdin.close()  # it obeys until there is nothing to obey
        try:
            self._child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout:
            self._child.stdout.close()
        self.provider.stop()
        if self.mailbox:
            self.mailbox.stop()

    def _operator(self) -> Person:
        if "the operator" not in self._people:
            operator = self._person("operator")
            self._create(operator, operator=True)
            self._people["the operator"] = operator
        return self._people["the operator"]

    def _person(self, name: str) -> Person:
        person = Person(self.url, _some_address(), hops=self.settings.chat_proxies)
        person.name, person.email, person.password = name, f"{name}@example.org", PASSWORD
        self._visitors.append(person)
        return person

    def _create(self, person: Person, *, operator: bool) -> None:
        rights = ("--admin",) if operator else ()
        self.run("accounts", "create", person.email, *rights, "--password-stdin", stdin=person.password + "\n")

    def _register(self, person: Person) -> None:
        form = person.page("/register").form("/register")
        names = {one.get("name") for one in form.all("input")}
        fields = {"email": person.email, "display_name": person.name, "password": person.password, "is_old_enough": "y"}
        answer = person.submit(
            "/register", {name: value for name, value in fields.items() if name in names}, action="/register"
        )
        if answer.status_code != 200:
            raise Broken(f"Registering answered {answer.status_code}.")
        if self.mailbox:
            self.deliver_mail()
            link = self.mailbox.link_to(person.email)
            if link is None:
                raise Broken("No mail came to somebody who had just registered.")
            person.submit(link)

    def _ask_ready(self) -> None:
        if not self._read():
            said = self.log.read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"The scratch instance did not start:\n{said[-2000:]}")

    def _ask(self, **order: Any) -> dict[str, Any]:
        assert self._child.stdin
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        answer = self._read()
        if not answer:
            raise Broken("The application ended in the middle of a check.")
        return answer

    def _read(self) -> dict[str, Any]:
        assert self._child.stdout
        line = self._child.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        return answer


@contextmanager
def running_scratch(
    settings: Settings,
    profile: Profile,
    *,
    mail: bool = False,
    source: Path = ROOT,
    start: Start = start_process,
    beginning: Path | None = None,
) -> Iterator[Scratch]:
    """Run a scratch instance until the block ends; all that it wrote goes with it.

    `source` is the folder of its code, `start` what starts its process, `beginning` an SQLite file that is migrated already.
    """
    folder = Path(tempfile.mkdtemp(prefix="candor-scratch-"))
    database = new_schema(str(settings.database_url)) if is_postgresql(settings.database_url) else None
    try:
        scratch = Scratch(
            settings, profile, folder, mail=mail, database=database, source=source, start=start, beginning=beginning
        )
        try:
            yield scratch
        finally:
            scratch.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if database:
            drop_schema(database)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _some_address() -> str:
    """An address that is this machine's, as all of 127.0.0.0/8 is on Linux, and not the usual one."""
    if not sys.platform.startswith("linux"):
        return "127.0.0.1"
    return ".".join(["127", *(str(10 + secrets.randbelow(240)) for _ in range(3))])
