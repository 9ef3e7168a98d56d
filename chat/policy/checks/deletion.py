"""Whether what people delete is gone: from the tables, the files, the keyring, and in the certificate's own words."""

import json
import re
from base64 import b64decode
from datetime import timedelta
from typing import Any

from chat.kernel.feature import current_readings
from chat.kernel.signing import NotAuthentic, check
from chat.policy.promise import Broken, require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import Page
from chat.policy.scratch.visitor import Person

_PATIENCE = timedelta(hours=6)
_ACCOUNT, _EVERYTHING = "/settings/delete/account", "/settings/delete/everything"
_CERTIFICATE = re.compile(r'href="data:application/json;base64,([A-Za-z0-9+/=]+)"')


def delete(scratch: Scratch) -> str:
    """One conversation, everything, and the account: each is gone from every table, and somebody else's things are there."""
    person, other = scratch.newcomer(), scratch.newcomer()
    account, others = _number(scratch, person), _number(scratch, other)
    if scratch.profile.features.offers("history"):
        for one in (person, other):
            one.give("history")
            _keep_something(one)
        first = person.fields["conversation"]
        _keep_something(person)
        person.post(f"/c/{first}/remove")
        require(person.get(f"/c/{first}").status_code == 404, "A deleted conversation could still be opened.")
        require(not [one for one in scratch.tables.rows("conversation") if one["public_id"] == first], "It is still stored.")
    before = _rows_of(scratch, others)
    receipt = _certificate(scratch, person.submit(_EVERYTHING, {"confirmation": person.email}).text)
    left = _rows_of(scratch, account)
    for kind in ("conversation", "turn", "usage"):
        require(not left.get(kind), f"After deleting everything, rows of {kind} were left.")
    require(person.is_signed_in(), "Deleting what one keeps took the account with it.")
    person.submit(_ACCOUNT, {"confirmation": "somebody@else.example", "when": "now"})
    require(person.is_signed_in(), "An account went without having been confirmed.")
    public_id = _public_id(scratch, person)
    final = _certificate(scratch, person.submit(_ACCOUNT, _now(scratch, person)).text)
    _require_gone(scratch, account, public_id, person.email)
    require(_rows_of(scratch, others) == before, "Deleting one account changed somebody else's rows.")
    rows = sum(one["rows"] for one in receipt["removed"] + final["removed"])
    return f"A conversation, everything and an account went: {rows} rows by two certificates that hold, and nobody else's."


def deleted(scratch: Scratch) -> str:
    """An account goes when its time is over, cannot be used until then, and leaves no key for what old backups hold."""
    days = scratch.profile.retention.deleted_accounts
    person = scratch.newcomer()
    if scratch.profile.features.offers("history"):
        person.give("history")
        _keep_something(person)
    account, public_id = _number(scratch, person), _public_id(scratch, person)
    require(_key(scratch, public_id), "An account had no key to begin with, so nothing was shown.")
    if days <= 1:
        _certificate(scratch, person.submit(_ACCOUNT, {"confirmation": person.email}).text)
        _require_gone(scratch, account, public_id, person.email)
        return "A deleted account was gone at once: no row, no key, and a certificate that holds."
    kept = scratch.newcomer()
    for one in (person, kept):
        one.submit(_ACCOUNT, {"confirmation": one.email, "when": "later"})
        require(not one.is_signed_in(), "An account that is to be deleted is still signed in.")
    kept.sign_in()
    page = kept.page("/")
    require(any(one.get("action", "").endswith("/cancel") for one in page.all("form")), "It can still be used, or not be kept.")
    kept.submit("/settings/closing", action="/cancel")
    require(kept.is_signed_in(), "Somebody could not change their mind.")
    scratch.advance(days=days)
    scratch.run_job("datarights.erase")
    _require_gone(scratch, account, public_id, person.email)
    again = scratch.browser_of(kept)
    again.sign_in()
    require(again.is_signed_in(), "An account that its person had kept is gone.")
    gone = f"{days} days after asking the account was gone: no row, and no key for what a backup holds"
    return f"{gone}. Who changed their mind still had theirs."


def nothing_late() -> None:
    """Nothing that this very site should have erased is still here; a try that fails has some hours to be mended."""
    late = max((one.value for one in current_readings() if one.name == "candor_erasures_late_seconds"), default=0.0)
    require(late <= _PATIENCE.total_seconds(), f"Something that was to be erased is still here, {late / 3600:.0f} hours late.")


def _keep_something(person: Person) -> None:
    person.open()
    person.stream("Something that will be deleted")
    require(person.fields.get("conversation"), "Nothing was kept, so nothing was shown.")


def _now(scratch: Scratch, person: Person) -> dict[str, str]:
    grace = {"when": "now"} if scratch.profile.retention.deleted_accounts > 1 else {}
    return {"confirmation": person.email} | grace


def _require_gone(scratch: Scratch, account: int, public_id: str, email: str) -> None:
    left = _rows_of(scratch, account)
    require(not left, f"Rows of a deleted account were left in {', '.join(sorted(left))}.")
    for table in scratch.tables.names():
        for row in scratch.tables.rows(table):
            words = {str(value).lower() for value in row.values()}
            require(not words & {public_id.lower(), email.lower()}, f"The table {table} still names a deleted account.")
    require(not _key(scratch, public_id), "The key of a deleted account is still there: old backups can be read.")


def _rows_of(scratch: Scratch, account: int) -> dict[str, int]:
    """How many rows of each table lead to the account."""
    found: dict[str, int] = {}
    for table in scratch.tables.names():
        column = "id" if table == "account" else "account_id"
        if count := sum(1 for row in scratch.tables.rows(table) if row.get(column) == account):
            found[table] = count
    return found


def _number(scratch: Scratch, person: Person) -> int:
    return int(_row(scratch, person)["id"])


def _public_id(scratch: Scratch, person: Person) -> str:
    return str(_row(scratch, person)["public_id"])


def _row(scratch: Scratch, person: Person) -> dict[str, Any]:
    (row,) = [one for one in scratch.tables.rows("account") if one["email"] == person.email]
    return row


def _key(scratch: Scratch, public_id: str) -> bool:
    return any(one["account"] == public_id for one in scratch.keyring_rows())


def _certificate(scratch: Scratch, html: str) -> dict[str, Any]:
    """Return the certificate on the page. Raises Broken when there is none, or not by this site."""
    found = _CERTIFICATE.search(html)
    if found is None:
        raise Broken(f"There was no certificate, but: {next(Page(html).all('h1')).text}.")
    document: dict[str, Any] = json.loads(b64decode(found[1]))
    keys = scratch.visitor().get("/.well-known/candor-keys.json").json()["keys"]
    try:
        check(document, keys)
    except NotAuthentic as fault:
        raise Broken(f"A certificate does not hold: {fault}.") from None
    return document
