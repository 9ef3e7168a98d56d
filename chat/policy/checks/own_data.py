"""Whether people can see what is held about them, correct it, take it with them, and have it left alone."""

import io
import json
import zipfile
from typing import Any

from chat.policy.promise import Broken, require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import Element, Page
from chat.policy.scratch.visitor import Person
from chat.policy.sweep import Canary


def access(scratch: Scratch) -> str:
    """The page counts, for every table that has something of the person, as many rows as the database has."""
    person, _canary = _with_a_conversation(scratch)
    page = person.page("/settings/data")
    truth = {table: len(rows) for table, rows in _everything(scratch, person).items() if rows}
    headings = [one.get("id") for one in page.all("h2") if one.get("id").startswith("held-")]
    counted = {heading.removeprefix("held-"): _count(page, heading) for heading in headings}
    require(counted == truth, f"The page counts {counted}, and the database has {truth}.")
    require(len(truth) >= 3, "Too little was held to prove anything.")
    for heading in headings:
        facts = _section(page, heading).with_class("holding__facts")[0]
        require(len(list(facts.all("dd"))) == 4, "The page does not say what for, by which right, until when and who reads it.")
        require(all(one.text for one in facts.all("dd")), "The page leaves something unsaid about what it counts.")
    return f"{len(truth)} categories were on the page, and {sum(truth.values())} entries counted as the database has them."


def correct(scratch: Scratch) -> str:
    """The name and every optional detail can be changed, and the details emptied; the old ones are gone."""
    person, tables = scratch.newcomer(), scratch.tables
    fields = scratch.profile.collect.profile_fields
    first = {"display_name": "Name before"} | {field.value: f"https://before.example/{field.value}" for field in fields}
    second = {"display_name": "Name after"} | {field.value: f"https://after.example/{field.value}" for field in fields}
    for told in (first, second):
        person.submit("/settings/profile", told)
        shown = {one.get("name"): one.get("value") for one in person.page("/settings/profile").all("input")}
        wrong = [name for name, value in told.items() if shown.get(name) != value]
        require(not wrong, f"These could not be corrected: {', '.join(wrong)}.")
    held = str([row["display_name"] for row in tables.rows("account")]) + str(tables.rows("profile_detail"))
    require("Name after" in held, "The corrected name is not what is held.")
    require("Name before" not in held and "before.example" not in held, "What was corrected is still held.")
    person.submit("/settings/profile", {"display_name": "Name after"} | dict.fromkeys((field.value for field in fields), ""))
    require("after.example" not in str(tables.rows("profile_detail")), "An emptied detail is still held.")
    links = {one.get("href") for one in person.page("/settings/profile").all("a")}
    require(any("email" in link for link in links), "There is no way to correct the e-mail address.")
    return f"The name and {len(fields)} optional details were corrected, and nothing of the old ones was left."


def export(scratch: Scratch) -> str:
    """A copy holds all rows of its person and of nobody else, and comes back as the same conversations."""
    person, canary = _with_a_conversation(scratch)
    stranger = scratch.newcomer()
    with scratch.watched(canary):
        archive = _download(person)
    words = " ".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    for table, rows in _everything(scratch, person).items():
        if rows:
            require(f"data/{table}.json" in archive.namelist(), f"The copy says nothing of the table {table}.")
            taken = json.loads(archive.read(f"data/{table}.json"))["rows"]
            require(len(taken) == len(rows), f"The copy has {len(taken)} rows of {table}; there are {len(rows)}.")
    require(person.email in words, "The copy does not hold the e-mail address of its person.")
    require(stranger.email not in words, "The copy holds something of another person.")
    if not scratch.profile.features.history:
        return "The copy held every row of its person, and nothing of anybody else."
    require(str(canary) in archive.read("data/turn.json").decode(), "The copy does not hold what its person wrote.")
    _comes_back(scratch, stranger, archive, canary)
    return "The copy held every row of its person and nothing of anybody else, and came back as the same conversation."


def restrict(scratch: Scratch) -> str:
    """A frozen account asks no model, loses nothing and gains nothing, and goes on when it is thawed."""
    person, canary = _with_a_conversation(scratch)
    saved = person.fields.get("conversation")
    person.submit("/settings/data", action="/settings/data/freeze")
    before = _everything(scratch, person)
    asked = len(scratch.provider.received)
    for path in ("/", *((f"/c/{saved}",) if saved else ())):
        person.open(path)
        person.say("Do something with this")
        person.open(path)
        person.stream("Do something with this")
    require(len(scratch.provider.received) == asked, "A frozen account could ask a model.")
    token = {"csrf_token": person.token("/settings/data")}
    person.http.post("/settings/profile", data=token | {"display_name": "Somebody else"})
    if saved:
        person.http.post(f"/c/{saved}/pin", data=token | {"pinned": "yes"})
    scratch.let_jobs_run()
    require(_everything(scratch, person) == before, "Something of a frozen account was changed.")
    require("frozen" in person.page("/settings/data").text, "The site does not say that the account is frozen.")
    if saved:
        require(str(canary) in person.page(f"/c/{saved}").text, "What a frozen account has cannot be looked at.")
    _download(person)
    person.submit("/settings/data", action="/settings/data/thaw")
    person.open("/")
    person.say("Now do")
    require(len(scratch.provider.received) == asked + 1, "An account that is thawed cannot go on.")
    return "A frozen account asked no model, and no byte of it changed while every job ran; thawed, it went on."


def _with_a_conversation(scratch: Scratch) -> tuple[Person, Canary]:
    """Somebody who wrote something, saved where the site keeps conversations."""
    person, canary = scratch.newcomer(), Canary()
    if scratch.profile.features.history:
        person.give("history")
    person.open()
    with scratch.provider.playing("echo"):
        person.say(f"Say {canary}")
    return person, canary


def _download(person: Person) -> zipfile.ZipFile:
    answer = person.submit("/settings/data/export", action="/settings/data/export")
    require(answer.headers.get("content-type") == "application/zip", f"The copy answered {answer.status_code}.")
    try:
        return zipfile.ZipFile(io.BytesIO(answer.content))
    except zipfile.BadZipFile:
        raise Broken("The copy is no archive.") from None


def _comes_back(scratch: Scratch, other: Person, archive: zipfile.ZipFile, canary: Canary) -> None:
    other.give("history")
    assert archive.fp is not None
    archive.fp.seek(0)
    form = {"csrf_token": other.token("/settings/import")}
    shown = other.http.post("/settings/import/preview", data=form, files={"file": ("copy.zip", archive.fp.read())})
    require(str(canary) in shown.text, "What the copy holds is not shown before it is imported.")
    rows = scratch.tables.rows("conversation")
    fields = {one.get("name"): one.get("value") for one in Page(shown.text).form("/settings/import").all("input")}
    other.http.post("/settings/import", data=fields)
    require(len(scratch.tables.rows("conversation")) == len(rows) + 1, "The copy did not come back as one conversation.")
    theirs = json.loads(archive.read("data/turn.json"))["rows"]
    again = json.loads(_download(other).read("data/turn.json"))["rows"]
    require(
        [(one["role"], one["body"], one["written_at"]) for one in theirs]
        == [(one["role"], one["body"], one["written_at"]) for one in again],
        "What came back is not what was taken.",
    )


def _account(scratch: Scratch, person: Person) -> dict[str, Any]:
    return next(row for row in scratch.tables.rows("account") if row["email"] == person.email)


def _everything(scratch: Scratch, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Every row that carries the person's account, found by looking and not by asking what was declared."""
    account = _account(scratch, person)
    found = {"account": [account]}
    for table in scratch.tables.names():
        rows = scratch.tables.rows(table)
        if rows and "account_id" in rows[0]:
            found[table] = [row for row in rows if row["account_id"] == account["id"]]
    return found


def _section(page: Page, heading: str) -> Element:
    head = page.by_id(heading).parent
    assert head is not None
    assert head.parent is not None
    return head.parent


def _count(page: Page, heading: str) -> int:
    words = _section(page, heading).with_class("holding__count")[0].text.split()[0]
    return int("".join(letter for letter in words if letter.isdigit()))
