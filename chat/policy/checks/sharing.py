"""Whether others get no more than is said, and people see who they are."""

import json

from chat.policy.promise import require
from chat.policy.scratch.configuration import TRAP_THAT_TRAINS, TRAP_UNKNOWN
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import Page
from chat.policy.sweep import Canary

# Fields by which the two protocols would let a provider tell people apart.
_IDENTIFYING = {"user", "metadata", "safety_identifier", "prompt_cache_key", "store"}


def providers(scratch: Scratch) -> str:
    """Each model that can be chosen says where what it is sent goes; one that does not say is not to be had."""
    visitor = scratch.chatter()
    page = visitor.open()
    offered = models_on(page)
    require(offered, "No model can be chosen, so none could be looked at.")
    rows = [one.text for one in visitor.page("/providers").all("tr")]
    links = {one.get("href") for one in visitor.page("/providers").all("a")}
    for provider in scratch.profile.providers:
        for model in provider.models:
            if model.id not in offered:
                continue
            policy = provider.policy
            require(policy, f"{model.name} can be chosen, and nobody knows what its provider does with what it is sent.")
            assert policy
            row = next((one for one in rows if model.name in one), "")
            where = [provider.name, str(policy.retention_days) if policy.retention_days else "nothing"]
            missing = [word for word in where if word not in row]
            require(
                row and not missing, f"The list of models does not say of {model.name}: {', '.join(missing) or 'anything'}."
            )
            require(not policy.url or str(policy.url) in links, f"The terms of {provider.name} are not linked.")
    before = len(scratch.provider.received)
    require(TRAP_UNKNOWN not in page.text, "A model can be chosen of whose provider nothing is known.")
    visitor.say("Hello", TRAP_UNKNOWN)
    require(len(scratch.provider.received) == before, "A message was sent to a provider of which nothing is known.")
    visitor.stream("Hello")
    shown = visitor.say("And again").text
    require(
        any(provider.name in shown for provider in scratch.profile.providers), "The answer does not say where it came from."
    )
    return (
        f"Each of {len(offered)} models said before and after where it runs and what is kept there; an unknown one was refused."
    )


def minimal(scratch: Scratch) -> str:
    """Everything a provider was sent, searched for the person who sent it."""
    person = scratch.newcomer(str(Canary()))
    (row,) = [one for one in scratch.tables.rows("account") if one["email"] == person.email]
    secrets = {
        "e-mail address": person.email,
        "name": person.name,
        "IP address": person.address,
        "account's id": row["public_id"],
        "session's key": row["fs_uniquifier"],
        "session cookie": person.cookies.decode().partition("=")[2],
        "browser": person.http.headers["User-Agent"],
    }
    before = len(scratch.provider.received)
    models = models_on(person.open())
    for model in models:
        person.stream("Hello", model)
        person.say("And again", model)
    received = scratch.provider.received[before:]
    require(len(received) >= 2 * len(models), "Not every message reached its provider, so not all could be looked at.")
    for one in received:
        for name, value in secrets.items():
            require(value.encode() not in one.raw, f"A provider was sent the {name} of who asked.")
        fields = set(json.loads(one.body)) & _IDENTIFYING
        require(not fields, f"A provider was sent {', '.join(fields)}, by which it could tell people apart.")
        require(
            "cookie" not in one.headers and "x-forwarded-for" not in one.headers, "A provider was sent the browser's headers."
        )
    return f"{len(received)} requests to {len(models)} models held no name, e-mail address, IP address or id of who asked."


def listed(scratch: Scratch) -> str:
    """The policy names everybody whom the profile names."""
    shown = scratch.visitor().page("/privacy").text.lower()
    for one in scratch.profile.subprocessors:
        for words in (one.name, one.purpose, one.region):
            require(words.lower() in shown, f"The policy does not say of {one.name}: {words}.")
    return f"The policy names {len(scratch.profile.subprocessors)}, with what they do and where."


def models_on(page: Page) -> list[str]:
    """Return the ids of the site's models that the chat's page offers."""
    radios = [one.get("value") for one in page.all("input") if one.get("name") == "model"]
    options = [
        one.get("value") for select in page.all("select") if select.get("name") == "model" for one in select.all("option")
    ]
    return [one for one in dict.fromkeys([*radios, *options]) if one not in (TRAP_THAT_TRAINS, TRAP_UNKNOWN)]
