"""Whether what people ask of the operator is taken, kept as promised, and answered."""

import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from chat.policy.promise import Broken, require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.visitor import Person
from chat.policy.sweep import Canary

_NEW = "/settings/requests/new"


def support(scratch: Scratch) -> str:
    """Somebody asks for help, the operator reads and answers, and the person sees all three and takes it back."""
    person, canary = scratch.newcomer(), Canary()
    reference = send(scratch, person, "support", f"Help me with {canary}")
    scratch.require_nowhere(canary)
    listed = scratch.run("requests", "list")
    require(reference in listed, "The operator does not find the request.")
    require(str(canary) not in listed, "The operator's list shows what a request says.")
    path = f"/settings/requests/{reference}"
    require("Nobody but you so far" in person.page(path).text, "A request that nobody opened is said to have been read.")
    require(str(canary) in scratch.run("requests", "show", reference), "The operator cannot read the request.")
    require("The operator, on" in person.page(path).text, "Whose request was read does not see that it was.")
    require(scratch.operator().get(path).status_code == 404, "A request can be opened by another account, the operator's.")
    scratch.run("requests", "answer", reference, "--text-stdin", stdin="It is mended.")
    require("It is mended." in person.page(path).text, "The answer does not reach whoever asked.")
    person.submit(path, action="/take-back")
    require(person.get(path).status_code == 404, "A request that was taken back is still there.")
    return "A request for help was kept encrypted, read under record, answered, and gone when it was taken back."


def due(scratch: Scratch, kind: str) -> str:
    """Send a request of this kind and return what the person is told about when it is due."""
    person = scratch.newcomer()
    reference = send(scratch, person, kind, "Please look at this")
    told = person.page("/settings/requests").text
    require("answer due by" in told, "Whoever sends a request is not told by when it is answered.")
    require(reference in scratch.run("requests", "list"), "The operator does not see the request and its due date.")
    return reference


def law(scratch: Scratch) -> str:
    """The operator hands two accounts over, one under an order that forbids telling; and tries without a reason."""
    told, untold, canary = scratch.newcomer(), scratch.newcomer(), Canary()
    order = "Order 7/26 of the district court, under article 88"
    send(scratch, told, "question", f"Please keep {canary}")
    with tempfile.TemporaryDirectory() as folder:
        first, second, third = (Path(folder) / f"{name}.zip" for name in ("first", "second", "third"))
        command = ("accounts", "export-for-authority")
        scratch.run(*command, told.email, "--reason", order, "--out", str(first))
        scratch.run(*command, untold.email, "--reason", f"{order} (sealed)", "--withhold-from-person", "--out", str(second))
        with zipfile.ZipFile(first) as archive:
            found = any(str(canary).encode() in archive.read(name) for name in archive.namelist())
        require(found, "The archive for an authority does not hold what the account keeps, so nothing was shown.")
        with suppress(Broken):
            scratch.run(*command, told.email, "--reason", "because", "--out", str(third))
        require(not third.exists(), "An account was handed over without a reason.")
    recorded = [row["reason"] for row in scratch.tables.rows("audit_entry")]
    require(order in recorded and f"{order} (sealed)" in recorded, "Handing an account over was not recorded.")
    require(order in told.page("/settings/data").text, "Whose account was handed over does not see it.")
    require(order not in untold.page("/settings/data").text, "What an order forbids telling was told.")
    return "Two accounts were handed over by command, each on record: one person saw it, the one it must be kept from did not."


def report_child(scratch: Scratch) -> None:
    """Somebody without an account reports a child's account, and the operator finds that with what is due soon."""
    guest, canary = scratch.visitor(), Canary()
    before = len(scratch.tables.rows("person_request"))
    fields = {"kind": "child", "email": "parent@example.org", "text": f"It is my child's: {canary}"}
    shown = guest.submit("/privacy/request", fields, action="/privacy/request").text
    require("Its reference is" in shown, "A child's account cannot be reported without having an account.")
    rows = scratch.tables.rows("person_request")
    require(len(rows) == before + 1, "The report of a child's account was not kept.")
    scratch.require_nowhere(canary)


def send(scratch: Scratch, person: Person, kind: str, text: str) -> str:
    """Send a request and return its reference."""
    before = {row["public_id"] for row in scratch.tables.rows("person_request")}
    person.submit(_NEW, {"kind": kind, "text": text}, action=_NEW)
    sent = [str(row["public_id"]) for row in scratch.tables.rows("person_request") if row["public_id"] not in before]
    require(len(sent) == 1, "A request could not be sent.")
    return sent[0]
