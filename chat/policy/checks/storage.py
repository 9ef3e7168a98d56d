"""Whether nothing is stored unless somebody said so."""

from collections.abc import Callable

from chat.policy.checks import programs
from chat.policy.checks.files import pdf
from chat.policy.promise import Broken, require
from chat.policy.scratch.configuration import TRAP_THAT_TRAINS
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.visitor import Person, Upload, Visitor
from chat.policy.sweep import Canary

# How the provider fails, and whether it had the words by then.
_FAILURES = ("echo-400", "echo-500", "error-event", "unauthorized", "cut", "reset", "garbage", "never")


def default(scratch: Scratch) -> str:
    """Chat in every way there is and sweep after each: guest, account, with scripts, without, files, failures, leaving."""
    acts: list[tuple[str, Callable[[Scratch, Visitor, Canary], None]]] = [
        ("a conversation", _converse),
        ("files", _attach),
        ("leaving in the middle", _leave),
        ("input that is not valid", _confuse),
        *((f"a provider that fails ({script})", _failing(script)) for script in _FAILURES),
    ]
    for name, act in acts:
        _swept(scratch, scratch.chatter(), name, act)
    for name, act in acts[:3]:
        _swept(scratch, scratch.newcomer(), f"{name} of somebody with an account", act)
    others = ""
    if scratch.profile.features.offers("api"):
        others = f" Nor did a program that used the API in {programs.stores_nothing(scratch)} ways."
    return (
        f"{len(acts) + 3} conversations, with files, failing providers and people who left, wrote no byte of what was said: "
        f"not to the database, its journal, a log or a temporary file.{others}"
    )


def _swept(scratch: Scratch, visitor: Visitor, name: str, act: Callable[[Scratch, Visitor, Canary], None]) -> None:
    canary = Canary()
    visitor.open()
    before = sealed(scratch)
    try:
        with scratch.watched(canary):
            act(scratch, visitor, canary)
    except Broken as broken:
        raise Broken(f"After {name}: {broken}") from None
    require(sealed(scratch) == before, f"After {name}, something was stored that nobody had agreed to.")
    require(not list(canary.find_in(visitor.cookies, "")), f"After {name}, a cookie held what was said.")


def sealed(scratch: Scratch) -> set[tuple[str, bytes]]:
    """Everything that is stored sealed: a sweep cannot look into it, so nothing may be added to it."""
    return {
        (table, bytes(value))
        for table, row in scratch.tables.every_row()
        for value in row.values()
        if isinstance(value, (bytes, memoryview)) and table != "outgoing_mail"
    }


def _converse(scratch: Scratch, visitor: Visitor, canary: Canary) -> None:
    with scratch.provider.playing("echo"):
        events = visitor.stream(f"I am {canary}. Repeat that.", instructions=f"Answer like {canary}.")
        require(str(canary) in str(events), "no answer came, so nothing was shown.")
        page = visitor.say(f"Once more, {canary}")
    require(str(canary) in page.text, "no answer came without scripts, so nothing was shown.")
    turns = [one.get("data-turn") for one in page.all("article") if one.get("data-turn")]
    visitor.say("", act="regenerate", turn=turns[-1])
    visitor.say(f"Changed: {canary}", act="edit", turn=turns[0])


def _attach(scratch: Scratch, visitor: Visitor, canary: Canary) -> None:
    if not scratch.profile.features.files:
        return
    line = f"{canary} and so on\n".encode()
    with scratch.provider.playing("echo"):
        events = visitor.stream("Read this", files=(Upload("paper.pdf", pdf(str(canary)), "application/pdf"),))
        require(str(canary) in str(events), "the file did not reach the model, so nothing was shown.")
    size = min(3, scratch.profile.limits.upload_megabytes) * 2**20 * 3 // 4
    visitor.say("Read this", files=(Upload(f"{canary}.txt", line * (size // len(line))),))
    visitor.say("Read this", files=(Upload("broken.pdf", pdf(str(canary))[:-200], "application/pdf"),))
    visitor.say("Read this", files=(Upload(f"{canary}.bin", line * 40_000, "application/octet-stream"),))


def _leave(scratch: Scratch, visitor: Visitor, canary: Canary) -> None:
    with scratch.provider.playing("slow"):
        events = visitor.stream(f"Tell me about {canary}", leave_after=4)
    require(len(events) == 4, "no answer came, so nobody could leave it.")


def _confuse(_scratch: Scratch, visitor: Visitor, canary: Canary) -> None:
    visitor.say(f"{canary}", f"model-{canary}")
    visitor.say(f"{canary}", temperature=f"{canary}")
    visitor.say(f"{canary}", transcript=f"{canary}")
    visitor.say(f"{canary}", csrf_token=f"{canary}")
    visitor.get(f"/{canary}?q={canary}", headers={"Referer": f"http://x/{canary}", "Cookie": f"a={canary}"})
    visitor.http.post("/chat/send", content=f"{canary}", headers={"Content-Type": "multipart/form-data"})
    visitor.http.post("/chat/send/stream", json={"text": f"{canary}"})


def _failing(script: str) -> Callable[[Scratch, Visitor, Canary], None]:
    def act(scratch: Scratch, visitor: Visitor, canary: Canary) -> None:
        before = len(scratch.provider.received)
        with scratch.provider.playing(script):
            events = visitor.stream(f"Tell me about {canary}")
            if script.startswith("echo"):
                visitor.say(f"And about {canary}?")
        require(
            any(str(canary).encode() in one.body for one in scratch.provider.received[before:]),
            "the words did not reach the provider, so nothing was shown.",
        )
        require(events and events[-1][0] != "done", f"a provider that fails ({script}) was taken for one that answers.")

    return act


def optin(scratch: Scratch) -> str:
    """Off, on, off again: what is stored follows the switch."""
    person = scratch.newcomer()
    first = sealed(scratch)
    _say(person, "before it was on")
    require(sealed(scratch) == first, "A conversation was stored before anybody agreed.")
    person.give("history")
    person.open()
    canary = Canary()
    with scratch.provider.playing("echo"):
        person.stream(f"Keep {canary}")
    kept = person.fields.get("conversation")
    require(kept, "A conversation was not stored although that was switched on.")
    require(str(canary) in person.page(f"/c/{kept}").text, "A stored conversation cannot be read by whom it belongs to.")
    person.withdraw("history")
    require(person.get(f"/c/{kept}").status_code == 404, "A conversation could be opened after the withdrawal.")
    after = sealed(scratch)
    person.open()
    _say(person, "after it was off")
    require(sealed(scratch) <= after, "A conversation was stored after the consent had been withdrawn.")
    return "Nothing was stored before the switch was on or after it was off; in between, the conversation was there."


def _say(person: Person, words: str) -> None:
    events = person.stream(words)
    require(events and events[-1][0] == "done", "No answer came.")


def no_training(scratch: Scratch) -> str:
    """A provider that trains on what it is sent is not asked."""
    canary, visitor = Canary(), scratch.chatter()
    before = len(scratch.provider.received)
    visitor.say(f"Learn {canary}", TRAP_THAT_TRAINS)
    scratch.person().say(f"Learn {canary}", TRAP_THAT_TRAINS)
    reached = [one for one in scratch.provider.received[before:] if str(canary).encode() in one.body]
    require(not reached, "A message was sent to a provider that trains on what it is sent, and nobody had allowed that.")
    if scratch.profile.features.offers("api"):
        programs.refuses_training(scratch)
    return (
        "A provider that trains on what it is sent was not asked, by a guest or somebody with an account who named its model."
    )
