"""Whether what is used for improvement, and what is kept of failures, was agreed to."""

import json
import tempfile
from pathlib import Path

from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.visitor import Person
from chat.policy.sweep import Canary

_FAILURES = ("echo-400", "echo-500", "error-event", "cut", "reset", "garbage")


def optin(scratch: Scratch) -> str:
    """Two people save conversations, one of them agrees to improvement; then that one withdraws."""
    willing, other = scratch.newcomer(), scratch.newcomer()
    for person in (willing, other):
        person.give("history")
    willing.give("improvement")
    given, kept = _saved(scratch, willing), _saved(scratch, other)
    with tempfile.TemporaryDirectory() as folder:
        scratch.run("improvement", "export", "--out", folder)
        taken = _read(folder)
        require(str(given) in taken, "A conversation whose owner had agreed was not in the export, so nothing was shown.")
        require(str(kept) not in taken, "A conversation was taken for improvement although its owner had only saved it.")
        for name in (willing.email, willing.name, other.email):
            require(name.lower() not in taken.lower(), "The export says whose conversations it holds.")
        shown = willing.page("/settings/improvement").text
        require("Nothing was taken" not in shown, "Whose conversation was taken does not see it.")
        willing.withdraw("improvement")
        scratch.run("improvement", "export", "--out", folder)
        require(str(given) not in _read(folder), "A conversation was taken again after the consent had been withdrawn.")
        revoked = [json.loads(line) for line in (Path(folder) / "revocations.jsonl").read_text().splitlines()]
        require("consent withdrawn" in [one["reason"] for one in revoked], "The withdrawn copy is not on the list of such.")
    return (
        "Of two people who saved conversations, the export held that of the one who had agreed, under no name; after the "
        "withdrawal it was on the list of withdrawn copies and in no export."
    )


def diagnostics(scratch: Scratch) -> str:
    """Providers fail in every way, for somebody who did not agree and for somebody who did, until the copies' time is up."""
    person, canary = scratch.newcomer(), Canary()
    _fail(scratch, person, canary)
    require(not _copies(scratch, person), "Failed messages were kept of somebody who had not agreed to that.")
    person.give("diagnostics")
    _fail(scratch, person, canary)
    require(len(_copies(scratch, person)) == len(_FAILURES), "Not every failed message was kept, so nothing was shown.")
    scratch.require_nowhere(canary)
    first = next(one.get("href") for one in person.page("/settings/diagnostics").all("a") if _leads_to_copy(one.get("href")))
    require(str(canary) in person.page(first).text, "A kept message cannot be read by whom it belongs to.")
    require(scratch.operator().get(first).status_code == 404, "A kept message can be opened by somebody else.")
    days = scratch.profile.retention.diagnostics
    scratch.advance(days=days, minutes=1)
    if not person.is_signed_in():
        person.sign_in()
    require(person.get(first).status_code == 404, f"A kept message can be read after {days} days.")
    return (
        f"{len(_FAILURES)} failures left nothing without the consent; with it, copies for their owner alone, for {days} days."
    )


def _saved(scratch: Scratch, person: Person) -> Canary:
    canary = Canary()
    person.open()
    with scratch.provider.playing("echo"):
        person.stream(f"I am {person.name}, {person.email}. Tell me about {canary}")
    require(person.fields.get("conversation"), "A conversation was not saved, so nothing was shown.")
    return canary


def _fail(scratch: Scratch, person: Person, canary: Canary) -> None:
    for script in _FAILURES:
        person.open()
        with scratch.provider.playing(script):
            events = person.stream(f"Tell me about {canary}")
        require(events and events[-1][0] == "failed", f"A provider that fails ({script}) was taken for one that answers.")


def _copies(scratch: Scratch, person: Person) -> list[object]:
    (owner,) = [row["id"] for row in scratch.tables.rows("account") if row["email"] == person.email]
    return [row for row in scratch.tables.rows("failed_exchange") if row["account_id"] == owner]


def _leads_to_copy(address: str) -> bool:
    return address.startswith("/settings/diagnostics/")


def _read(folder: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in Path(folder).iterdir() if path.is_file())
