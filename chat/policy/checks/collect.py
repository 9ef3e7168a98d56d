"""Whether no more is collected than is said."""

import re

from chat.kernel.profile import Address
from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import form_fields
from chat.policy.sweep import Canary

_ASKED = {"email", "display_name", "password", "is_old_enough"}
_UNASKED = ("birth_date", "phone", "first_name", "address", "country", "gender")


def account(scratch: Scratch) -> str:
    """The form asks for no more than is said, and what is sent all the same is not kept."""
    more, name = Canary(), Canary()
    person = scratch.newcomer(str(name))
    places = {hit.where for hit in scratch.tables.find(name)}
    require(places, "The name that somebody registered with is not there at all.")
    require(
        places <= {"the table account, column display_name", "the table account, column email"},
        f"The name somebody registered with stands in {', '.join(sorted(places))}.",
    )
    if not scratch.profile.sign_in.is_open:
        require(scratch.visitor().get("/register").status_code == 404, "Registration is closed, yet there is a form for it.")
        return "Registration is closed; an account made by the operator holds e-mail address, name and password hash."
    stranger = scratch.visitor()
    form = stranger.page("/register").form("/register")
    asked = {
        one.get("name") for one in form_fields(form) if one.get("type") not in ("hidden", "submit") and one.tag != "button"
    } - {""}
    allowed = _ASKED | set(scratch.profile.collect.profile_fields)
    require(asked <= allowed, f"Registering asks for {', '.join(sorted(asked - allowed))}.")
    sent = {"email": f"x{person.email}", "display_name": "x", "password": person.password, "is_old_enough": "y"}
    stranger.submit("/register", sent | {name: str(more) for name in _UNASKED}, action="/register")
    scratch.require_nowhere(more)
    return f"Registering asked for {', '.join(sorted(asked))}; of what was sent beyond that, nothing was kept."


def usage(scratch: Scratch) -> str:
    """One row a request, and no word of it in there or in the metrics."""
    canary, visitor = Canary(), scratch.chatter()
    before = len(scratch.tables.rows("usage"))
    with scratch.provider.playing("echo"):
        events = visitor.stream(f"Repeat {canary}")
    require(str(canary) in str(events), "The answer did not come, so there was nothing to count.")
    rows = scratch.tables.rows("usage")
    expected = before + 1 if scratch.profile.retention.request_logs else 0
    require(len(rows) == expected, f"One request left {len(rows) - before} records of usage.")
    hits = [hit.where for hit in scratch.tables.find(canary)]
    require(not hits, f"What somebody wrote was found in {', '.join(hits)}.")
    require(str(canary) not in visitor.get("/metrics").text, "What somebody wrote was found in the metrics.")
    return "One message left one record, of numbers; neither it nor the metrics held a word of the message or the answer."


def technical(scratch: Scratch) -> str:
    """As much of the address as is said, only beside the sign-in, a country only if said, and no browser's whole name."""
    person, agent = scratch.newcomer(), Canary()
    told = scratch.settings.chat_country_header
    person.http.headers.update(dict.fromkeys({told or "CF-IPCountry", "CF-IPCountry", "X-Country"}, "IS"))
    person.http.headers["User-Agent"] = f"Mozilla/5.0 (X11; Linux x86_64) {agent}"
    person.sign_out()
    person.sign_in()
    person.open()
    person.stream("Hello")
    scratch.require_nowhere(agent)
    whole, network = Canary(person.address), Canary(person.address.rpartition(".")[0] + ".")
    keep = scratch.profile.collect.address
    logged = list(whole.find_in(scratch.log.read_bytes(), "the log"))
    require(not logged, "The log holds the IP address of somebody who used the site.")
    in_full = {hit.where for hit in scratch.tables.find(whole)}
    in_part = {hit.where for hit in scratch.tables.find(network)}
    require(keep is Address.FULL or not in_full, f"A whole IP address was found in {', '.join(sorted(in_full))}.")
    require(keep is not Address.NONE or not in_part, f"A part of an IP address was found in {', '.join(sorted(in_part))}.")
    beside = {"the table device, column address"}
    require(in_part <= beside, f"An IP address was found in {', '.join(sorted(in_part - beside))}.")
    countries = {row["country"] for row in scratch.tables.rows("device")} - {None}
    expected = {"IS"} if told and scratch.profile.collect.country else set()
    require(countries == expected, f"Beside the sign-ins stands as their country: {', '.join(sorted(countries)) or 'none'}.")
    words = {Address.NONE: "no part", Address.TRUNCATED: "the network part", Address.FULL: "the whole"}
    place = "their country as the proxy told it" if expected else "no country"
    return (
        f"After somebody signed in and chatted, {words[keep]} of their IP address was found, {place}, "
        "and no name of their browser."
    )


def content(scratch: Scratch) -> str:
    """What is written reaches the chosen model once, and nobody else."""
    canary, visitor = Canary(), scratch.chatter()
    before = len(scratch.provider.received)
    visitor.stream(f"Tell me about {canary}")
    visitor.say("And more?")
    carrying = [one for one in scratch.provider.received[before:] if str(canary).encode() in one.raw]
    require(len(carrying) == 2, f"Two messages of one conversation were sent to models {len(carrying)} times.")
    mails = [mail for mail in (scratch.mailbox.mails if scratch.mailbox else []) if str(canary) in mail.as_string()]
    require(not mails, "What somebody wrote was mailed.")
    require(str(canary) not in scratch.visitor().page("/").text, "What somebody wrote was shown to somebody else.")
    scratch.require_nowhere(canary)
    return "Each of two messages went to the chosen model once, and to nobody else."


def warn(scratch: Scratch) -> str:
    """The notice stands where one writes."""
    shown = scratch.visitor().page("/").text
    words = re.sub(r"\s+", " ", scratch.profile.notices.sensitive_data).strip()
    require(words in shown, "The notice is not on the page where people write.")
    return "The notice stands where people write."
