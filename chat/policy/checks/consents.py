"""Whether a person's word on what may be done is asked for, recorded, and followed."""

import hashlib
import json

from chat.consent import chain
from chat.kernel.profile import CookieKind
from chat.kernel.signing import NotAuthentic, check
from chat.policy.checks.storage import sealed
from chat.policy.promise import Broken, require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import Page
from chat.policy.scratch.visitor import Person

_GPC = {"Sec-GPC": "1"}
_WORDS = "Tell me about tides."


def record(scratch: Scratch) -> str:
    """Say yes and no to everything, and check the ledger as somebody who trusts nobody: entries, words, chain, signature."""
    person = scratch.newcomer()
    offered = scratch.profile.consents.offered
    for purpose in offered:
        person.give(purpose)
        person.withdraw(purpose)
    ledger = person.get("/settings/privacy/consents.json").json()
    said = [(one["purpose"], one["given"]) for one in ledger["entries"]]
    require(
        said == [(one, yes) for one in offered for yes in (True, False)],
        "What was agreed to and withdrawn is not what was recorded.",
    )
    _check_signed(scratch, ledger)
    shown = {one["ledger_entry"]["sequence"]: one["consent_notice"] for record in ledger["content"] for one in record["event"]}
    for entry in ledger["entries"]:
        words = "\n".join(shown[entry["sequence"]])
        require(
            hashlib.sha256(words.encode()).hexdigest() == entry["wording_hash"],
            "An entry does not hold the words that were shown.",
        )
    receipt = person.get("/settings/privacy/consents/1.json").json()
    require(receipt["entry"] == ledger["entries"][0], "A receipt does not hold the entry that it is for.")
    require(_shows(ledger), "A changed entry did not show.")
    return f"{len(said)} acts were recorded with their words and times, chained and signed; a changed entry showed."


def _check_signed(scratch: Scratch, document: dict[str, object]) -> None:
    keys = scratch.visitor().get("/.well-known/candor-keys.json").json()["keys"]
    try:
        check(document, keys)
    except NotAuthentic as fault:
        raise Broken(f"The ledger that one may download is not authentic: {fault}.") from None
    entries = document["entries"]
    assert isinstance(entries, list)
    found = chain.find_break(str(document["account"]), entries)
    require(found is None, f"The chain of consents is broken: {found and found.why}.")


def _shows(ledger: dict[str, object]) -> bool:
    """Whether an edit shows in every field of every entry."""
    entries = ledger["entries"]
    assert isinstance(entries, list)
    for at in range(len(entries)):
        changed = json.loads(json.dumps(entries))
        changed[at]["given"] = not changed[at]["given"]
        found = chain.find_break(str(ledger["account"]), changed)
        if found is None or found.sequence != at + 1:
            return False
    return True


def withdraw(scratch: Scratch) -> str:
    """Switch each purpose off by one press: it must be off in the same answer, and what was stored under it gone."""
    person = scratch.newcomer()
    offered = scratch.profile.consents.offered
    for purpose in offered:
        person.give(purpose)
    before, gone = sealed(scratch), set[tuple[str, bytes]]()
    if "history" in offered:
        _say(person)
        gone = sealed(scratch) - before
        require(gone, "Nothing was stored although that was agreed to, so nothing could be shown to be deleted.")
    for purpose in offered:
        page = Page(person.withdraw(purpose).text)
        require(_is_off(page, purpose), f"One press did not switch off “{purpose}”.")
    require(not gone & sealed(scratch), "What was stored was still there after its consent was withdrawn.")
    if "history" in offered:
        left = sealed(scratch)
        _say(person)
        require(sealed(scratch) == left, "Something was stored after the consent was withdrawn.")
        person.give("history")
        _say(person)
        kept = sealed(scratch)
        person.withdraw("history", stored="expire")
        require(kept <= sealed(scratch), "What was to stay until its time is up was deleted.")
    return f"{len(offered)} purposes went off by one press each, and what was stored under them went with them."


def _is_off(page: Page, purpose: str) -> bool:
    return any(one.get("action").endswith(f"/{purpose}/give") for one in page.all("form"))


def separate(scratch: Scratch) -> str:
    """Look for anything that is ticked or bundled, and chat with everything refused."""
    person, offered = scratch.newcomer(), scratch.profile.consents.offered
    page = person.page("/settings/privacy")
    forms = [one.get("action") for one in page.all("form")]
    for purpose in offered:
        require(
            forms.count(f"/settings/privacy/{purpose}/give") == 1,
            f"“{purpose}” is not off at first, or has no switch of its own.",
        )
    for path in ("/cookies", "/settings/privacy"):
        boxes = [one for one in person.page(path).all("input") if one.get("type") == "checkbox"]
        ticked = [one.get("name") for one in boxes if "checked" in one.attributes]
        require(not ticked, f"{path} has boxes that are ticked already: {', '.join(ticked)}.")
    for purpose in offered:
        person.give(purpose)
        others = [one for one in offered if one != purpose and not _is_off(person.page("/settings/privacy"), one)]
        require(not others, f"Agreeing to “{purpose}” switched on {', '.join(others)} too.")
        person.withdraw(purpose)
    _say(person)
    return f"{len(offered)} purposes each had a switch of their own, off at first; with all of them refused, an answer came."


def objection(scratch: Scratch) -> str:
    """Object to everything one may object to: recorded, shown, followed, and left out of what is counted."""
    person, other = scratch.newcomer(), scratch.newcomer()
    for somebody in (person, other):
        _say(somebody)
    counted = _requests(scratch)
    require(counted > 1, "The statistics count nothing, so nobody could be left out of them.")
    acts = [one.get("action") for one in person.page("/settings/privacy").all("form") if one.get("action").endswith("/object")]
    require("/settings/privacy/statistics/object" in acts, "There is no way to object to the statistics.")
    wanted = {"improvement", "analytics", "product_updates"} & set(scratch.profile.consents.offered)
    require(all(f"/settings/privacy/{one}/object" in acts for one in wanted), "Something optional cannot be objected to.")
    for purpose in wanted:
        person.give(purpose)
    for action in acts:
        person.submit("/settings/privacy", action=action.removeprefix("/settings/privacy"))
    page = person.page("/settings/privacy")
    require(page.text.count("You object since") == len(acts), "An objection is not shown as standing.")
    require(all(_is_off(page, one) for one in wanted), "What was objected to is still on.")
    require(_requests(scratch) == counted - 1, "The statistics still count somebody who objects.")
    return f"{len(acts)} objections were recorded and followed; the statistics lost one person's request and kept the others'."


def _requests(scratch: Scratch) -> int:
    return int(scratch.run("analytics", "usage").splitlines()[-1].split()[0])


def signal(scratch: Scratch) -> str:
    """Visit with Global Privacy Control: the site says that it honours it, asks nothing, and records it for an account."""
    said = scratch.visitor().get("/.well-known/gpc.json").json()
    require(said.get("gpc") is True, "The site does not say at its fixed address that it honours the signal.")
    guest = scratch.visitor()
    require(
        "Your browser sends Global Privacy Control" in guest.get("/cookies", headers=_GPC).text,
        "The signal is not shown to who sends it.",
    )
    require(
        "Your browser sends Global Privacy Control" not in guest.get("/cookies").text, "A signal is shown to who sends none."
    )
    require(
        not Page(guest.get("/privacy", headers=_GPC).text).with_class("bar"), "A browser that objects is asked about cookies."
    )
    if "analytics" not in scratch.profile.consents.offered:
        return "The signal is honoured and shown; this site has nothing that it would have to stop."
    person = scratch.newcomer()
    person.give("analytics")
    require(
        not _is_off(person.page("/settings/privacy"), "analytics"),
        "Being counted could not be agreed to, so nothing could end it.",
    )
    person.get("/", headers=_GPC)
    require(_is_off(person.page("/settings/privacy"), "analytics"), "The signal did not end the consent to be counted.")
    require("Global Privacy Control" in person.page("/settings/privacy").text, "The signal's objection is not in the ledger.")
    person.http.headers["Sec-GPC"] = "1"
    person.post("/settings/privacy/analytics/give")
    person.http.headers.pop("Sec-GPC")
    require(_is_off(person.page("/settings/privacy"), "analytics"), "A browser that objects was counted all the same.")
    return "The signal ended a consent to be counted, stands in the ledger, is shown, and no question was asked."


def cookie_choice(scratch: Scratch) -> str:
    """As a guest: nothing before a choice, each kind by itself, and all of it undone by another choice."""
    guest = scratch.visitor()
    for path in ("/", "/privacy", "/cookies"):
        guest.get(path)
    require(_optional(guest.cookies) == set(), "An optional cookie was set before anybody chose.")
    if CookieKind.PREFERENCE in scratch.profile.cookies.kinds:
        guest.post("/cookies", page="/cookies", preference_cookies="yes")
        require("candor_preferences" in _optional(guest.cookies), "What was chosen is not remembered.")
        page = Page(guest.get("/cookies").text)
        ticked = {one.get("name") for one in page.all("input") if one.get("type") == "checkbox" and "checked" in one.attributes}
        require(ticked == {"preference_cookies"}, "Choosing one kind chose another too.")
        guest.post("/cookies/look", page="/cookies", theme="dark", size="large")
        require(Page(guest.get("/privacy").text).first("html").get("data-theme") == "dark", "A chosen look has no effect.")
    guest.post("/cookies", page="/cookies")
    require("candor_preferences" not in _optional(guest.cookies), "A cookie stayed after its consent was taken back.")
    other = scratch.visitor()
    other.post("/cookies", page="/cookies")
    require(_optional(other.cookies) == {"candor_choices"}, "Who refused was given more than the note that they did.")
    return "Nothing was set before a choice; each kind was chosen by itself, and taken back."


def _optional(cookies: bytes) -> set[str]:
    return {line.partition("=")[0] for line in cookies.decode().splitlines()} - {"candor"}


def _say(person: Person) -> None:
    """Exchange a message; raise Broken if no answer came."""
    person.open()
    events = person.stream(_WORDS)
    require(events and events[-1][0] == "done", "No answer came to somebody, so nothing was shown.")
