"""Whether it is protected as is said."""

import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from chat.kernel.errors import StartRefused
from chat.kernel.profile import load_profile
from chat.kernel.settings import load_settings
from chat.policy.checks import programs
from chat.policy.promise import require
from chat.policy.scratch.configuration import as_toml
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.visitor import Person, Visitor, is_for_somebody, token_on
from chat.policy.sweep import Canary

_ARGON2 = re.compile(r"^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$")
# A limit that is higher is not reached for the sake of a check; a site that sets one so high has its reasons.
_MOST_TRIES = 400


def transit(scratch: Scratch) -> str:
    """Secure cookies, HSTS behind a proxy, and no start with an address that would be spoken to in the clear."""
    visitor, settings = scratch.visitor(), scratch.settings
    secure = visitor.get("/", headers={"X-Forwarded-Proto": ", ".join(["https"] * max(1, settings.chat_proxies))})
    sent = secure.headers.get("strict-transport-security", "")
    if settings.chat_proxies:
        seconds = re.search(r"max-age=(\d+)", sent)
        require(seconds and int(seconds[1]) >= 180 * 86400, "Browsers are not told to come by HTTPS only.")
    else:
        require(not sent, "Whoever asks is believed that the connection is encrypted.")
    cookie = secure.headers.get("set-cookie", "")
    require("secure" in cookie.lower() or not settings.uses_https, "A cookie may travel unencrypted.")
    _refuses_plain_providers(scratch)
    try:
        load_settings(chat_public_url="http://chat.example.org", _env_file=None)
    except StartRefused:
        pass
    else:
        require(False, "The site would start at an address that browsers reach unencrypted.")
    where = (
        "told browsers to come by HTTPS only" if settings.chat_proxies else "is reached on this machine or through its proxy"
    )
    return f"The site {where}, and would not start with an unencrypted address of its own or of a provider."


def _refuses_plain_providers(scratch: Scratch) -> None:
    stated = scratch.profile.model_dump(mode="json", exclude_none=True)
    stated["providers"][0] |= {"kind": "openai", "base_url": "http://models.example.org/v1"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.toml"
        path.write_text(as_toml(stated), encoding="utf-8")
        try:
            load_profile(str(path))
        except StartRefused:
            return
    require(False, "The site would start with a provider that is spoken to unencrypted.")


def rest(scratch: Scratch) -> str:
    """What somebody kept is there for them, and unreadable in every file and row."""
    person, canary = scratch.newcomer(), Canary()
    person.give("history")
    person.open()
    with scratch.provider.playing("echo"):
        person.stream(f"Keep {canary}", instructions=f"Answer like {canary}.")
    kept = person.fields.get("conversation")
    require(kept and str(canary) in person.page(f"/c/{kept}").text, "A kept conversation is not there for its owner.")
    scratch.require_nowhere(canary)
    (row,) = [one for one in scratch.tables.rows("account") if one["email"] == person.email]
    (wrapped,) = [one["wrapped"] for one in scratch.keyring_rows() if one["account"] == row["public_id"]]
    hits = list(scratch.tables.find_bytes(bytes(wrapped)))
    require(not hits, f"The key of what was kept lies beside it, in {', '.join(hits)}.")
    return "A kept conversation was there for its owner, and no word of it in any file or row; its key is not in the database."


def passwords(scratch: Scratch) -> str:
    """The password is nowhere; in its place stands an argon2id hash that is costly to try."""
    word = Canary()
    person = scratch.newcomer(password=f"a good {word}")
    scratch.require_nowhere(word)
    (row,) = [one for one in scratch.tables.rows("account") if one["email"] == person.email]
    found = _ARGON2.match(row["password"] or "")
    require(found, "A password is not stored as a hash by argon2id.")
    assert found
    # OWASP's least: 19 MiB and two passes.
    require(int(found[1]) >= 19456 and int(found[2]) >= 2, "Passwords are hashed so cheaply that they could be guessed.")
    person.sign_out()
    person.sign_in()
    require(person.is_signed_in(), "The password did not fit its own hash.")
    return f"A password was found nowhere; its hash is argon2id with {int(found[1]) // 1024} MiB and {found[2]} passes."


def internal(scratch: Scratch) -> str:
    """The operator opens every address of the site, with the ids of somebody else's things, and is shown none of them."""
    person, canary = scratch.newcomer(), Canary()
    kept = ""
    if scratch.profile.features.history:
        person.give("history")
        person.open()
        person.stream(f"Keep {canary}")
        kept = person.fields["conversation"]
    else:
        person.stream(f"Keep {canary}")
    operator = scratch.operator()
    ids = _ids_of(scratch, person.email)
    opened = 0
    for rule, methods in scratch.routes():
        for path in _paths(rule, kept, ids):
            for method in methods:
                opened += 1
                _look(operator, method, path, canary)
    require(operator.is_signed_in(), "The operator was signed out before the last address was opened.")
    require(opened > 20, "The site has next to no addresses, so nothing was shown.")
    if kept:
        require(str(canary) in person.page(f"/c/{kept}").text, "What somebody kept is not there for themselves.")
    return f"The operator opened {opened} addresses with the ids of somebody's things, and saw nothing that they had written."


def _look(operator: Person, method: str, path: str, canary: Canary) -> None:
    if method == "GET":
        answer = operator.get(path)
    else:
        answer = operator.http.post(path, data={"csrf_token": _own_token(operator), "query": str(canary)[:9]})
    require(str(canary) not in answer.text, f"The operator was shown what somebody else had written, at {path}.")
    require(answer.status_code < 500, f"{path} failed when the operator opened it.")


def _own_token(operator: Person) -> str:
    """Return the token of the operator's forms, who signs in again where the last address ended the session."""
    page = operator.page("/")
    if not is_for_somebody(page):
        operator.sign_in()
        page = operator.page("/")
    return token_on(page)


def _ids_of(scratch: Scratch, email: str) -> list[str]:
    (account,) = [one for one in scratch.tables.rows("account") if one["email"] == email]
    ids = [account["public_id"]]
    for table in scratch.tables.names():
        rows = scratch.tables.rows(table)
        ids += [
            one["public_id"]
            for one in rows
            if "public_id" in one and account["id"] in (one.get("owner_id"), one.get("account_id"))
        ]
    return ids


def _paths(rule: str, kept: str, ids: list[str]) -> list[str]:
    """Addresses for a rule: every one of the ids where the rule takes one, something harmless for the rest."""
    if "<" not in rule:
        return [rule]
    filled = re.sub(r"<purpose>", "history", rule)
    filled = re.sub(r"<[^>]*\b(act|version|filename)>", "send", filled)
    return sorted({re.sub(r"<[^>]+>", one, filled) for one in [kept, *ids[:6]] if one})


def abuse(scratch: Scratch) -> str:
    """One address sends and guesses until it is stopped, and another is not stopped with it."""
    limits, said = scratch.profile.limits, []
    tries = int(limits.sign_in.partition("/")[0])
    if tries <= _MOST_TRIES:
        guesser = scratch.visitor()
        statuses = [_guess(guesser, count) for count in range(tries + 1)]
        require(statuses[-1] == 429, f"Passwords could be tried {tries + 1} times in a row.")
        require(_guess(scratch.visitor(), 0) != 429, "Somebody was stopped because of what somebody else had tried.")
        said.append(f"guessing passwords after {statuses.index(429)} tries")
    messages = int(limits.guest_messages.partition("/")[0])
    if scratch.profile.sign_in.guests and messages <= _MOST_TRIES:
        talker = scratch.chatter()
        form = talker.fields | {"text": "Hello"}
        answers = [talker.http.post("/chat/send/stream", data=form).status_code for _ in range(messages + 1)]
        require(answers[-1] == 429, f"A guest could send {messages + 1} messages.")
        require(answers[0] == 200, "A guest could not send even one message.")
        said.append(f"sending as a guest after {answers.index(429)} messages")
    if scratch.profile.features.offers("api"):
        programs.stops(scratch)
        said.append("a program at its key's limit")
    require(said, "This site's limits are too high to be reached by a check.")
    return f"One address was stopped: {', '.join(said)}."


def _guess(visitor: Visitor, count: int) -> int:
    answer = visitor.submit("/login", {"email": f"nobody{count}@example.org", "password": "wrong"}, action="/login")
    return answer.status_code


def review(scratch: Scratch) -> str:
    """Verifying leaves a report, and the policy shows it."""
    visitor = scratch.visitor()
    scratch.run("privacy", "verify", "--only", "collect-warn", "--only", "age-minimum", "--json")
    promises = visitor.get("/privacy.json").json()["promises"]
    found = {one["id"]: one for section in promises for one in section["promises"]}
    require(found["age-minimum"]["checked_at"], "The policy does not say when it was checked.")
    require(not found["store-default"]["checked_at"], "The policy says of something that it was checked, which it was not.")
    shown = scratch.now().strftime("%Y")
    require(shown in visitor.page("/privacy").text, "The policy's page does not show when it was checked.")
    return "Checking two promises left a report; the policy showed when each was checked, and that the others were not."


def report(scratch: Scratch) -> str:
    """The file of RFC 9116 is where programs look for it, is valid, and names who is meant."""
    response = scratch.visitor().get("/.well-known/security.txt")
    require(response.status_code == 200, f"/.well-known/security.txt answered {response.status_code}.")
    require(response.headers.get("content-type", "").startswith("text/plain"), "The file is not plain text.")
    fields = dict(line.split(": ", 1) for line in response.text.splitlines() if ": " in line)
    contact = fields.get("Contact", "")
    require(contact.startswith(("mailto:", "https:", "tel:")), "The file names no address to report to.")
    require(contact.endswith(scratch.profile.site.security_contact), "The file names somebody else than the site does.")
    ends = datetime.fromisoformat(fields.get("Expires", "1970-01-01T00:00:00Z"))
    require(
        scratch.now() < ends < scratch.now() + timedelta(days=366), "The file has expired, or promises to be true for too long."
    )
    return f"The file says to report to {contact}, and is good until {ends:%Y-%m-%d}."
